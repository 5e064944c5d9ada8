//! Datagrams with the credentials of their senders.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SocketAddrUnix, SocketFlags, SocketType, bind, recvmsg, socket_with,
};
use rustix::process::getuid;

use super::Datagram;

/// A socket with this abstract name, non-blocking and close-on-exec.
pub(crate) fn datagram_socket(name: &[u8]) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    // Before it has a name: no message comes without credentials.
    set_socket_passcred(&socket, true)?;
    bind(&socket, &SocketAddrUnix::new_abstract_name(name)?)?;
    Ok(socket)
}

/// The next datagram, if one has come. There is room for credentials and one descriptor: others that come with it are closed
/// by the kernel.
pub(crate) fn next_datagram(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<Option<Datagram>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1), ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(buffer)];
    let received = loop {
        match recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(None),
            received => break received?,
        }
    };
    let mut sender = None;
    let mut barrier = None;
    for message in control.drain() {
        match message {
            RecvAncillaryMessage::ScmCredentials(credentials) => sender = Some(credentials),
            RecvAncillaryMessage::ScmRights(mut descriptors) => barrier = descriptors.next(),
            _ => {}
        }
    }
    Ok(Some(Datagram {
        length: received.bytes,
        is_cut: received.flags.contains(ReturnFlags::TRUNC),
        sender: sender.map_or(0, |sender| sender.pid.as_raw_nonzero().get().unsigned_abs()),
        is_of_our_user: sender.is_some_and(|sender| sender.uid == getuid()),
        _barrier: barrier,
    }))
}
