//! What job control needs of the child.

use childminder::MonitorState;
use childminder_driver::Control;
use childminder_unix::Child;

/// One minded child in a loop.
///
/// For `childminder_mio::Children` and the id of a child, each method is a line:
///
/// ```
/// use childminder::MonitorState;
/// use childminder_driver::{ChildId, Control, Handler};
/// use childminder_mio::Children;
/// use childminder_terminal::Minded;
/// use childminder_unix::Child;
///
/// struct OneOf<'a, H: Handler> {
///     children: &'a mut Children<H>,
///     id: ChildId,
/// }
///
/// impl<H: Handler> Minded for OneOf<'_, H> {
///     type Notification = H::Notification;
///
///     fn control(&mut self) -> Control<'_, H::Notification> {
///         self.children.control(self.id).expect("it is in the set")
///     }
///     fn turn(&mut self) {
///         self.children.turn();
///     }
///     fn child(&self) -> &Child {
///         self.children.child(self.id).expect("it is in the set")
///     }
///     fn monitor(&self) -> &MonitorState {
///         self.children.monitor(self.id).expect("it is in the set")
///     }
/// }
/// ```
pub trait Minded {
    /// The payload of the handler's notifications.
    type Notification;

    /// Asks for things on behalf of the child.
    fn control(&mut self) -> Control<'_, Self::Notification>;

    /// Carries out what was asked for, and whatever else there is to do. Does not wait.
    fn turn(&mut self);

    /// The process.
    fn child(&self) -> &Child;

    /// The state machine of the child.
    fn monitor(&self) -> &MonitorState;
}
