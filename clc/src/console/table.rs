//! The table: the lines of each family of pages, one after the other. The navigation has the order of it.

use super::pages::{
    cloud, compute, iam, images, overview, people, pictures, signing, storage, yourself,
};
use super::routes::Route;

/// The table.
pub(crate) fn table() -> Vec<Route> {
    let families = [
        overview::lines(),
        compute::lines(),
        images::lines(),
        storage::lines(),
        people::lines(),
        pictures::lines(),
        cloud::lines(),
        signing::lines(),
        iam::lines(),
        yourself::lines(),
    ];
    families.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::routes::{Method, Who};

    #[test]
    fn no_line_stands_there_twice_and_the_menu_shows_pages() {
        let table = table();
        for (at, route) in table.iter().enumerate() {
            let same = |other: &&Route| other.path == route.path && other.method == route.method;
            assert_eq!(table[..at].iter().find(same).map(|it| it.path), None);
            assert!(route.menu.is_none() || route.method == Method::Get, "{}", route.path);
            // What is dangerous changes something, and is done by somebody who has signed in.
            let proven = route.method == Method::Post
                && matches!(route.who, Who::SignedIn | Who::Administrator);
            assert!(!route.dangerous || proven, "{}", route.path);
        }
    }
}
