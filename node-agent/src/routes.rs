//! The messages of the service `node` and who answers each.

use actix::Addr;
use common::wire::bundling::{CancelBundle, ForgetBundle, StartBundle};
use common::wire::node::{Adjust, Console, Node, Report, Run, SetMetadataOptions, Terminate};
use common::wire::role::SetInstanceRole;
use common::wire::told::TellNodeWarnings;
use runtime::dispatcher::Dispatcher;
use runtime::warnings;

use crate::agent::agent::Agent;
use crate::agent::report::Board;
use crate::bundling::bundles::Bundles;

/// The table. A report is read from the board: whoever waits for news waits on nobody's time.
pub fn dispatcher(agent: &Addr<Agent>, bundles: &Addr<Bundles>, board: Board) -> Dispatcher<Node> {
    Dispatcher::new()
        .on::<Run>(agent.clone().recipient())
        .on::<Adjust>(agent.clone().recipient())
        .on::<Terminate>(agent.clone().recipient())
        .on::<SetMetadataOptions>(agent.clone().recipient())
        .on::<SetInstanceRole>(agent.clone().recipient())
        .on::<Console>(agent.clone().recipient())
        .on::<StartBundle>(agent.clone().recipient())
        .on::<CancelBundle>(bundles.clone().recipient())
        .on::<ForgetBundle>(bundles.clone().recipient())
        .with(move |ask: Report| {
            let board = board.clone();
            async move { board.answer(ask).await }
        })
        .with(|_: TellNodeWarnings| async { Ok(warnings::recent()) })
}
