//! What a child says of itself.

use std::io;

use childminder_driver::{Control, Handler, Vouch, Vouching};
use childminder_unix::{Child, NotifySocket, Selector, Strays};

/// Hears a child, and asks for what it means.
#[derive(Debug)]
pub(crate) struct Voucher {
    socket: NotifySocket,
    vouching: Vouching,
}

impl Voucher {
    pub(crate) fn new(socket: NotifySocket, vouching: Vouching) -> Self {
        Self { socket, vouching }
    }

    pub(crate) fn watch(&self, selector: &Selector, key: u64) -> io::Result<()> {
        selector.add(&self.socket, key)
    }

    pub(crate) fn unwatch(&self, selector: &Selector) {
        // It is watched, so the selector knows it; an error would leave an event too many.
        let _ = selector.remove(&self.socket);
    }

    /// Takes what has come; of a flood no more than a share, so that it starves nobody.
    pub(crate) fn hear<H: Handler>(
        &mut self,
        child: &Child,
        strays: Option<&Strays>,
        control: &mut Control<'_, H::Notification>,
        handler: &mut H,
    ) {
        for _ in 0..MESSAGES_A_TURN {
            let mut hear = |vouch: Vouch| {
                handler.vouched(control, &vouch);
                self.vouching.heard(control, &vouch);
            };
            match self.socket.next(child, strays) {
                Ok(Some(Ok(message))) => Vouch::all_of(message).for_each(&mut hear),
                Ok(Some(Err(why))) => hear(Vouch::Refused(why)),
                Ok(None) => break,
                Err(error) => {
                    control.fail(error);
                    break;
                }
            }
        }
    }
}

/// More than a socket holds by default.
const MESSAGES_A_TURN: usize = 64;
