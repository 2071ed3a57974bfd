//! GetConsoleOutput: what the node has of it.

use common::ec2::instances::{ConsoleOutput, GetConsoleOutput};
use common::ec2::types::IsoTime;
use common::error::{ApiError, ErrorCode};
use common::wire::node::Console;
use runtime::actor::{Answer, Scene};

use super::ids;
use super::instances::{Instances, named};
use crate::records::SeenState;

impl Answer<Instances> for GetConsoleOutput {
    async fn answer(self, scene: &Scene<Instances>) -> Result<ConsoleOutput, ApiError> {
        let id = ids::instance(&self.instance_id)?;
        let (caller, wanted) = (scene.caller.clone(), id.clone());
        let found = scene.records.work(move |records| named(records, &[wanted], &caller)).await?;
        let Some(instance) = found.into_iter().next() else {
            return Err(ids::no_instances(&[id]));
        };
        let nothing = || ConsoleOutput {
            instance_id: instance.id.clone(),
            timestamp: IsoTime(scene.clock.now()),
            output: String::new(),
        };
        if instance.seen == SeenState::Pending && !instance.told {
            return Ok(nothing());
        }
        let away = |why: String| {
            let text = format!("The console of {id} cannot be read: {why}");
            ApiError::new(ErrorCode::Unavailable, text)
        };
        let Some(member) = scene.cluster.member(&instance.node) else {
            return Err(away(format!("its node {} is no longer configured", instance.node)));
        };
        match member.peer.call(Console { instance: id.clone() }).await {
            Ok(log) => Ok(ConsoleOutput {
                instance_id: instance.id.clone(),
                timestamp: IsoTime(log.at),
                output: log.base64,
            }),
            // Nothing is left of it, or nothing is there yet.
            Err(error) if error.code() == ErrorCode::InvalidInstanceIdNotFound => {
                if instance.seen == SeenState::Pending {
                    return Ok(nothing());
                }
                let text = format!("The instance {id} has ended, and its console log with it");
                Err(ApiError::new(ErrorCode::IncorrectInstanceState, text))
            }
            Err(error) if error.code().retryable() => {
                Err(away(format!("its node {} does not answer", instance.node)).because(error))
            }
            Err(error) => Err(error),
        }
    }
}
