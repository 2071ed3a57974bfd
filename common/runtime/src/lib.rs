//! What lives.
pub mod clock;
pub mod http;
pub mod listen;
pub mod pool;
