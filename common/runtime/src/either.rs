//! TLS and plain http at one port: the first byte of a connection says which it is.
//!
//! A record of TLS that begins a handshake begins with 22, and no method of HTTP does. The byte is
//! looked at and not taken. Whoever connects and says nothing is let go after a while.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::{Service, ServiceFactory};
use actix_web::rt::net::TcpStream;
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, try_join};

/// The first byte of a handshake.
const HANDSHAKE: u8 = 22;

/// Makes services of two kinds, one for connections by TLS and one for others.
pub(crate) struct Either<T, P> {
    tls: T,
    plain: P,
    patience: Duration,
}

impl<T, P> Either<T, P> {
    /// These two; a connection has so long to say its first byte.
    pub(crate) fn new(tls: T, plain: P, patience: Duration) -> Self {
        Self { tls, plain, patience }
    }
}

impl<T, P> ServiceFactory<TcpStream> for Either<T, P>
where
    T: ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()>,
    P: ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()>,
    T::Future: 'static,
    P::Future: 'static,
    T::Service: 'static,
    P::Service: 'static,
{
    type Response = ();
    type Error = ();
    type Config = ();
    type Service = Whichever<T::Service, P::Service>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Service, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let both = try_join(self.tls.new_service(()), self.plain.new_service(()));
        let patience = self.patience;
        async move {
            let (tls, plain) = both.await?;
            Ok(Whichever { tls: Rc::new(tls), plain: Rc::new(plain), patience })
        }
        .boxed_local()
    }
}

/// Serves connections of both kinds.
pub(crate) struct Whichever<T, P> {
    tls: Rc<T>,
    plain: Rc<P>,
    patience: Duration,
}

impl<T, P> Service<TcpStream> for Whichever<T, P>
where
    T: Service<TcpStream, Response = ()> + 'static,
    P: Service<TcpStream, Response = ()> + 'static,
{
    type Response = ();
    type Error = ();
    type Future = LocalBoxFuture<'static, Result<(), ()>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        // How many handshakes there may be at once is the one bound there is.
        self.tls.poll_ready(context).map_err(|_| ())
    }

    fn call(&self, stream: TcpStream) -> Self::Future {
        let (tls, plain, patience) = (Rc::clone(&self.tls), Rc::clone(&self.plain), self.patience);
        async move {
            let mut first = [0];
            let looked = tokio::time::timeout(patience, stream.peek(&mut first)).await;
            match (looked, first) {
                (Ok(Ok(1)), [HANDSHAKE]) => tls.call(stream).await.map_err(|_| ()),
                (Ok(Ok(1)), _) => plain.call(stream).await.map_err(|_| ()),
                _ => Ok(()),
            }
        }
        .boxed_local()
    }
}
