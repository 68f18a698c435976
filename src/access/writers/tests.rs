use super::*;
use crate::access::fake::Fake;
use crate::facts::account::{Group, Origin, PasswordField, User};
use crate::facts::file::AclTag;

fn accounts() -> Accounts {
    let user = |name: &str, uid, gid| User {
        name: name.to_owned(),
        password: PasswordField::Shadow,
        uid,
        gid,
        gecos: String::new(),
        home: "/".to_owned(),
        shell: String::new(),
        line: 1,
        origin: Origin::Files,
    };
    let group = |name: &str, gid, members: &[&str]| Group {
        name: name.to_owned(),
        gid,
        members: members.iter().map(|name| (*name).to_owned()).collect(),
        line: 1,
        origin: Origin::Files,
    };
    Accounts {
        elsewhere: Ok(Vec::new()),
        users: vec![
            user("root", 0, 0),
            user("nginx", 33, 33),
            user("bob", 1000, 1000),
            user("eve", 1001, 50),
        ],
        groups: vec![
            group("root", 0, &[]),
            group("staff", 50, &["bob", "ldap-user"]),
            group("empty", 60, &[]),
        ],
        shadow: Ok(Vec::new()),
        malformed: Vec::new(),
    }
}

/// Everybody but root who can write `/f`.
fn who(files: &Fake) -> Vec<String> {
    writers(files, &accounts(), Path::new("/f")).unwrap().unwrap().beyond(&[])
}

#[test]
fn only_root_writes_what_is_root_s_alone() {
    let files = Fake::new().file("/f", 0, 0, 0o664);
    let found = writers(&files, &accounts(), Path::new("/f")).unwrap().unwrap();
    assert_eq!(found.beyond(&[]), Vec::<String>::new());
    assert_eq!(found.superusers[0].to_string(), "root: uid 0 writes every file");
}

#[test]
fn the_owner_of_a_read_only_file_can_change_its_mode() {
    let files = Fake::new().file("/f", 33, 0, 0o444);
    assert_eq!(who(&files), ["nginx: owner, mode r--r--r--, which its owner can change"]);
}

#[test]
fn a_group_writes_through_its_members_whether_listed_or_by_primary_group() {
    let files = Fake::new().file("/f", 0, 50, 0o664);
    let way = "member of group staff, mode rw-rw-r--";
    assert_eq!(
        who(&files),
        [format!("bob: {way}"), format!("eve: {way}"), format!("ldap-user: {way}")]
    );
    let found = writers(&files, &accounts(), Path::new("/f")).unwrap().unwrap();
    assert_eq!(found.beyond(&["eve", "bob"]), [format!("ldap-user: {way}")]);
}

#[test]
fn a_group_without_members_writes_nothing() {
    assert_eq!(who(&Fake::new().file("/f", 0, 60, 0o664)), Vec::<String>::new());
}

#[test]
fn the_mask_in_the_group_bits_makes_nobody_a_writer() {
    let entries = [
        (AclTag::UserObj, 6),
        (AclTag::User(33), 6),
        (AclTag::User(4000), 2),
        (AclTag::GroupObj, 4),
        (AclTag::Mask, 6),
        (AclTag::Other, 4),
    ];
    let files = Fake::new().file("/f", 0, 50, 0o664).acl("/f", &entries);
    assert_eq!(
        who(&files),
        ["nginx: ACL entry user:33:rw-", "uid 4000 (no account): ACL entry user:4000:-w-"]
    );
}

#[test]
fn what_all_may_write_is_said_once() {
    let files = Fake::new().file("/f", 33, 0, 0o666);
    assert_eq!(
        who(&files),
        ["everyone: other class, mode rw-rw-rw-", "nginx: owner, mode rw-rw-rw-"]
    );
}

#[test]
fn nobody_writes_what_he_cannot_reach_unless_the_directory_is_his_own() {
    let below = |uid| {
        let files = Fake::new().dir("/d", uid, 0, 0o600).file("/d/f", 0, 50, 0o666);
        let found = writers(&files, &accounts(), Path::new("/d/f")).unwrap().unwrap();
        found.beyond(&[])
    };
    assert_eq!(below(0), Vec::<String>::new());
    assert_eq!(below(33), ["nginx: other class, mode rw-rw-rw-"]);
}

#[test]
fn an_owner_without_an_account_is_a_writer() {
    let files = Fake::new().file("/f", 4242, 0, 0o644);
    assert_eq!(who(&files), ["uid 4242 (no account): owner, mode rw-r--r--"]);
}

#[test]
fn nobody_writes_to_a_read_only_filesystem() {
    let mut files = Fake::new().file("/f", 33, 0, 0o666);
    files.read_only = true;
    assert_eq!(who(&files), Vec::<String>::new());
}

#[test]
fn a_missing_file_has_no_writers_and_an_unseen_acl_leaves_them_unknown() {
    assert_eq!(writers(&Fake::new(), &accounts(), Path::new("/f")), Ok(None));
    let files = Fake::new().file("/f", 0, 0, 0o664).hidden("/f/acl");
    assert!(writers(&files, &accounts(), Path::new("/f")).is_err());
}
