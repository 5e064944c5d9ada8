//! One child as the kernel sees it: spawn, pidfd, signal, observe the exit, reap.
