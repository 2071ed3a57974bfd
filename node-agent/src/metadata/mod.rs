//! Who am I, asks a guest at 169.254.169.254, and is answered by the host it runs on.
//!
//! [`tree`] builds what there is to know from the wish (pure), with what [`role`] writes of its
//! credentials (pure); [`token`] makes and checks what the second version of the protocol wants to be
//! shown (pure); [`answer`] turns a request's line and headers into an answer (pure); [`serve`] listens, once per instance, so that who is asking
//! is known by the way it came and no address or header can claim otherwise; [`talk`] is what
//! happens on one connection. All answers come from memory: they are there while every other
//! service is down.

pub mod answer;
mod role;
pub mod serve;
mod talk;
pub mod token;
pub mod tree;
