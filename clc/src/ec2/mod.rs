//! The EC2 actions, one file a family: what is asked is checked, committed as a wish and answered;
//! reconcilers do the rest.

pub mod console;
pub mod deregister;
pub mod describe_images;
pub mod filters;
pub mod ids;
pub mod images;
pub mod instances;
pub mod key_material;
pub mod keys;
pub mod keys_ahead;
pub mod launch;
pub mod metadata_options;
pub mod register;
pub mod run;
pub mod terminate;
pub mod tokens;
pub mod types;
pub mod zones;
