//! The EC2 actions, one file a family: what is asked is checked, committed as a wish and answered;
//! reconcilers do the rest.

pub mod console;
pub mod deregister;
pub mod describe_images;
pub mod filters;
pub mod ids;
pub mod image_attributes;
pub mod image_filters;
pub mod images;
pub mod instance_filters;
pub mod instances;
pub mod key_import;
pub mod key_material;
pub mod keys;
pub mod keys_ahead;
pub mod launch;
pub mod register;
pub mod run;
pub mod tagging;
pub mod tags;
pub mod terminate;
pub mod tokens;
pub mod types;
pub mod zones;
