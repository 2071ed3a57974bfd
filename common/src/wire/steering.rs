//! What `clc admin` asks about nodes, instance types and the unbundle cache: the very actions of the
//! administration paths, which are answered by whoever answers those.

use super::admin::Admin;
use crate::administration::cache::{DescribeImageCache, EvictImages, Evicted, ImageCache};
use crate::administration::configuration::{
    DescribeNodes, GiveUpNode, ModifyNode, NodeModified, Nodes,
};
use crate::administration::types::{ModifiedTypes, ModifyInstanceTypes};
use crate::messages;

messages! {
    Admin:
    DescribeImageCache => ImageCache, true;
    DescribeNodes => Nodes, true;
    EvictImages => Evicted, false;
    GiveUpNode => NodeModified, true;
    ModifyInstanceTypes => ModifiedTypes, true;
    ModifyNode => NodeModified, true;
}
