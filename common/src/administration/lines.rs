//! What commands print of answers: `euca` from anywhere and `clc admin` on the clc's host, the same lines.

use super::cache::{Evicted, ImageCache};
use super::configuration::{NodeModified, Nodes};
use super::types::ModifiedTypes;

/// Columns parted by tabs, in which nothing controls a terminal.
pub fn line<T: AsRef<str>>(columns: &[T]) -> String {
    let plain = |column: &T| column.as_ref().replace(|c: char| c.is_control(), " ");
    columns.iter().map(plain).collect::<Vec<_>>().join("\t")
}

impl ImageCache {
    /// A line of the cache, and one of each image in it.
    pub fn lines(&self) -> Vec<String> {
        let sums = [
            self.limit,
            self.used,
            self.reserved,
            self.hits,
            self.misses,
            self.evictions,
            self.flights,
            self.queued,
        ];
        let mut columns = vec!["CACHE".to_owned()];
        columns.extend(sums.map(|sum| sum.to_string()));
        let images = self.images.item.iter().map(|it| {
            let ids = it.image_ids.entry.join(",");
            let (size, hits) = (it.size.to_string(), it.hits.to_string());
            let uses = (it.pins + it.expected + it.waiting).to_string();
            line(&["CACHED", &it.manifest, &ids, &it.state, &size, &it.last_used, &hits, &uses])
        });
        std::iter::once(line(&columns)).chain(images).collect()
    }
}

impl Evicted {
    /// How many images, and their bytes.
    pub fn line(&self) -> String {
        line(&["EVICTED", &self.images.to_string(), &self.bytes.to_string()])
    }
}

impl Nodes {
    /// A line of each node: its name, its zone, its instances.
    pub fn lines(&self) -> Vec<String> {
        let of_node = |node: &super::configuration::Node| {
            let mut columns = vec!["NODE", node.name.as_str(), node.cluster_name.as_str()];
            columns.extend(node.instances.entry.iter().map(String::as_str));
            line(&columns)
        };
        self.registered.item.iter().map(of_node).collect()
    }
}

impl NodeModified {
    /// What stands there of the node, and what is on it.
    pub fn line(&self) -> String {
        let rule = if self.rule.is_empty() { "enabled" } else { self.rule.as_str() };
        let mut columns = vec!["NODE", self.name.as_str(), rule];
        columns.extend(self.instances.entry.iter().map(String::as_str));
        line(&columns)
    }
}

impl ModifiedTypes {
    /// A line of a type.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let of_type = |it: &super::types::TypeSize| {
            let [cpu, memory, disk] = [it.cpu, it.memory, it.disk].map(|size| size.to_string());
            line(&["INSTANCETYPE", &it.name, &cpu, &memory, &disk])
        };
        self.types.item.iter().filter(|it| it.name == name).map(of_type).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cache::CachedImage;
    use super::super::configuration::Node;
    use super::*;

    #[test]
    fn nothing_in_a_line_controls_a_terminal() {
        let node = Node {
            name: "a\u{1b}[31m<script>\t\n".into(),
            cluster_name: "z".into(),
            ..Node::default()
        };
        let nodes = Nodes { registered: vec![node].into() };
        assert_eq!(nodes.lines(), ["NODE\ta [31m<script>  \tz"]);
        let cache = ImageCache {
            limit: 7,
            images: vec![CachedImage::default()].into(),
            ..ImageCache::default()
        };
        assert_eq!(cache.lines(), ["CACHE\t7\t0\t0\t0\t0\t0\t0\t0", "CACHED\t\t\t\t0\t\t0\t0"]);
    }

    #[test]
    fn answers_are_read_again_as_they_are_written() {
        let node = Node { name: "a".into(), free_cpus: 3, ..Node::default() };
        let nodes = Nodes { registered: vec![node].into() };
        let json = serde_json::to_string(&nodes).unwrap();
        assert_eq!(serde_json::from_str::<Nodes>(&json).unwrap(), nodes, "{json}");
        let held = CachedImage {
            pins: 2,
            image_ids: vec!["emi-1".into()].into(),
            ..CachedImage::default()
        };
        let cache = ImageCache { used: 5, images: vec![held].into(), ..ImageCache::default() };
        let json = serde_json::to_string(&cache).unwrap();
        assert_eq!(serde_json::from_str::<ImageCache>(&json).unwrap(), cache, "{json}");
    }
}
