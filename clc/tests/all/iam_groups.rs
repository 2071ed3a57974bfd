//! Groups, and who is in them.

use crate::world::{code, texts, world};

#[test]
fn a_group_is_made_filled_told_and_removed() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let pairs = [("GroupName", "Sales"), ("Path", "/d/")];
        let made = world.iam(&taro, "CreateGroup", &pairs).await.unwrap();
        let arn = format!("arn:aws:iam::{}:group/d/Sales", taro.account);
        assert_eq!(texts(&made, "Arn"), [arn.as_str()]);
        assert!(texts(&made, "GroupId")[0].starts_with("AGPA"), "{made}");
        let taken = world.iam(&taro, "CreateGroup", &[("GroupName", "SALES")]).await;
        assert_eq!(code(taken), "EntityAlreadyExists");
        for name in ["c", "A", "b"] {
            world.iam(&taro, "CreateUser", &[("UserName", name)]).await.unwrap();
            let both = [("GroupName", "sales"), ("UserName", name)];
            for _ in 0..2 {
                world.iam(&taro, "AddUserToGroup", &both).await.unwrap();
            }
        }
        let page = [("GroupName", "Sales"), ("MaxItems", "2")];
        let first = world.iam(&taro, "GetGroup", &page).await.unwrap();
        assert_eq!(texts(&first, "UserName"), ["A", "b"]);
        assert_eq!(texts(&first, "GroupName"), ["Sales"]);
        let marker = texts(&first, "Marker").remove(0);
        let rest = [("GroupName", "Sales"), ("Marker", marker.as_str())];
        let rest = world.iam(&taro, "GetGroup", &rest).await.unwrap();
        assert_eq!(texts(&rest, "UserName"), ["c"]);

        let renamed = [("GroupName", "Sales"), ("NewGroupName", "Buyers"), ("NewPath", "/")];
        world.iam(&taro, "UpdateGroup", &renamed).await.unwrap();
        let of = world.iam(&taro, "ListGroupsForUser", &[("UserName", "a")]).await.unwrap();
        assert_eq!(texts(&of, "GroupName"), ["Buyers"]);
        let all = world.iam(&taro, "GetGroup", &[("GroupName", "buyers")]).await.unwrap();
        assert_eq!(texts(&all, "UserName"), ["A", "b", "c"]);
        let old = world.iam(&taro, "GetGroup", &[("GroupName", "Sales")]).await;
        assert_eq!(code(old), "NoSuchEntity");

        let name = ("GroupName", "Buyers");
        let one = [name, ("UserName", "b")];
        world.iam(&taro, "RemoveUserFromGroup", &one).await.unwrap();
        assert_eq!(code(world.iam(&taro, "RemoveUserFromGroup", &one).await), "NoSuchEntity");
        assert_eq!(code(world.iam(&taro, "DeleteGroup", &[name]).await), "DeleteConflict");
        world.iam(&taro, "DeleteGroup", &[name, ("IsRecursive", "true")]).await.unwrap();
        let of = world.iam(&taro, "ListGroupsForUser", &[("UserName", "a")]).await.unwrap();
        assert!(texts(&of, "GroupName").is_empty(), "{of}");
        let list = world.iam(&taro, "ListGroups", &[]).await.unwrap();
        assert!(list.contains("<Groups/>") && list.contains("<IsTruncated>false<"), "{list}");
    });
}

#[test]
fn a_user_is_in_ten_groups_at_most() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.iam(&taro, "CreateUser", &[("UserName", "a")]).await.unwrap();
        let mut last = Ok(String::new());
        for n in 0..11 {
            last.unwrap();
            let name = format!("g{n:02}");
            world.iam(&taro, "CreateGroup", &[("GroupName", &name)]).await.unwrap();
            let both = [("GroupName", name.as_str()), ("UserName", "a")];
            last = world.iam(&taro, "AddUserToGroup", &both).await;
        }
        assert_eq!(code(last), "LimitExceeded");
        let page = [("UserName", "a"), ("MaxItems", "4")];
        let page = world.iam(&taro, "ListGroupsForUser", &page).await.unwrap();
        assert_eq!(texts(&page, "GroupName"), ["g00", "g01", "g02", "g03"]);
        assert_eq!(texts(&page, "IsTruncated"), ["true"]);
        for (group, user) in [("none", "a"), ("g00", "nobody")] {
            let pairs = [("GroupName", group), ("UserName", user)];
            assert_eq!(code(world.iam(&taro, "AddUserToGroup", &pairs).await), "NoSuchEntity");
        }
    });
}
