//! The pages: a folder a family, with its lines of the table, and in it one file a page. A page reads what
//! was asked, asks for actions, and answers what is shown; the frame, who may, and what makes a form one of
//! ours is not its business.

pub(super) mod cloud;
pub(super) mod compute;
pub(super) mod iam;
pub(super) mod images;
pub(super) mod overview;
pub(super) mod people;
pub(super) mod pictures;
pub(super) mod signing;
pub(super) mod storage;
pub(super) mod yourself;
