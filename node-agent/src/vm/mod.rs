//! One machine of this host: what is wanted of it, where it stands, and who carries it there.
//!
//! [`machine`] decides (pure), [`folder`] remembers (one directory per machine), [`effects`]
//! does, [`vm`] is the actor that leads from one to the next. A machine looks only down, to its driver, its images and its
//! network; what it has become is read from its watch channel.

pub mod effects;
pub mod folder;
pub mod machine;
#[expect(clippy::module_inception, reason = "the actor is named for the machine it carries")]
pub mod vm;
pub mod wiring;
