//! The pages, one file a family. A page reads what was asked, asks for actions, and answers what is
//! shown; the frame, who may, and what makes a form one of ours is not its business.

pub(super) mod apply;
pub(super) mod confirm;
pub(super) mod dashboard;
pub(super) mod first_time;
pub(super) mod instance;
pub(super) mod instances;
pub(super) mod language;
pub(super) mod password;
pub(super) mod recover;
pub(super) mod sessions;
pub(super) mod sign_in;
