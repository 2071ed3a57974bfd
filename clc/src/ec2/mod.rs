//! The EC2 actions, one file a family: what is asked is checked, committed as a wish and answered;
//! reconcilers do the rest.

pub mod console;
pub mod deregister;
pub mod describe_images;
pub mod describe_instances;
pub mod filters;
pub mod ids;
pub mod image_listing;
pub mod images;
pub mod instance_types;
pub mod instances;
pub mod key_material;
pub mod keys;
pub mod keys_ahead;
pub mod launch;
pub mod listing;
pub mod paging;
pub mod register;
pub mod run;
pub mod status;
pub mod terminate;
pub mod tokens;
pub mod types;
pub mod zones;
