//! Who am I, asks a guest at 169.254.169.254, and is answered by the host it runs on.
//!
//! [`tree`] builds what there is to know from the wish (pure); [`answer`] turns a request's line
//! and headers into an answer (pure); [`serve`] listens, once per tap, so that who is asking is
//! the tap and no address or header can claim otherwise. All answers come from memory: they are
//! there while every other service is down.

pub mod answer;
pub mod serve;
pub mod tree;
