//! The shape of a message between services.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// One side that answers messages.
pub trait Service: 'static {
    /// Its name in addresses.
    const NAME: &'static str;
    /// The version of its language. A caller names the version it speaks; an endpoint accepts the
    /// last two.
    const VERSION: u32;
}

/// One thing that can be asked of a service.
pub trait Message:
    actix::Message<Result = Result<<Self as Message>::Reply, ApiError>>
    + Serialize
    + DeserializeOwned
    + Clone
    + Send
    + 'static
{
    /// Who answers it.
    type Service: Service;
    /// What is answered.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
    /// Its name in addresses.
    const NAME: &'static str;
    /// Whether sending it twice does what sending it once does, so that a carrier may try again.
    const IDEMPOTENT: bool;
}

/// Declares the messages of a service.
#[macro_export]
macro_rules! messages {
    ($service:ident: $($name:ident => $reply:ty, $idempotent:literal;)*) => {$(
        impl ::actix::Message for $name {
            type Result = Result<$reply, $crate::error::ApiError>;
        }

        impl $crate::wire::Message for $name {
            type Service = $service;
            type Reply = $reply;
            const NAME: &'static str = stringify!($name);
            const IDEMPOTENT: bool = $idempotent;
        }
    )*};
}
