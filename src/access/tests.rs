//! The traps of file access, each on its own. `tests/access_kernel.rs` asks a kernel the same.

use super::fake::{Fake, user};
use super::*;
use crate::facts::Cause;
use crate::facts::capability::{DAC_OVERRIDE, DAC_READ_SEARCH, mask};
use crate::facts::file::AclTag::{Group, GroupObj, Mask, Other, User, UserObj};
use Permission::{Execute, Read, Write};

const ROOT: u32 = 0;
const WWW: u32 = 33;

fn ruling(files: &Fake, path: &str, who: &Credentials, wanted: Permission) -> Ruling {
    decide(files, Path::new(path), who, wanted).unwrap().unwrap()
}

/// `allowed` or `denied`, and why, as an administrator reads it.
fn words(files: &Fake, path: &str, who: &Credentials, wanted: Permission) -> String {
    let ruling = ruling(files, path, who, wanted);
    format!("{} {ruling}", if ruling.allowed { "allowed" } else { "denied" })
}

#[test]
fn an_immutable_file_is_written_by_nobody_and_an_append_only_one_at_its_end() {
    let files = Fake::new()
        .file("/i", WWW, WWW, 0o666)
        .protected("/i", true, false)
        .file("/a", WWW, WWW, 0o666)
        .protected("/a", false, true)
        .dir("/d", WWW, WWW, 0o777)
        .protected("/d", false, true)
        .file("/d/x", WWW, WWW, 0o666);
    let bob = user(WWW, &[]);
    assert_eq!(words(&files, "/i", &bob, Write), "denied /i: it is immutable (chattr +i)");
    assert_eq!(
        words(&files, "/i", &Credentials::of(ROOT, []), Write),
        "denied /i: it is immutable (chattr +i)"
    );
    assert!(ruling(&files, "/i", &bob, Read).allowed);
    let append = ruling(&files, "/a", &bob, Write);
    assert!(!append.allowed && append.append_only, "{append:?}");
    assert!(ruling(&files, "/d", &bob, Write).allowed);
    let replace =
        |path: &str| decide_entry(&files, Path::new(path), &bob).unwrap().unwrap().allowed;
    assert!(replace("/d/new") && !replace("/d/x"));
}

#[test]
fn the_owner_is_denied_by_his_own_class_although_the_group_allows() {
    let files = Fake::new().file("/f", WWW, 50, 0o070);
    assert_eq!(
        words(&files, "/f", &user(WWW, &[50]), Read),
        "denied /f: owner class has --- (uid 33)"
    );
}

#[test]
fn a_group_member_is_denied_by_the_group_class_although_others_are_allowed() {
    let files = Fake::new().file("/f", 0, 50, 0o604);
    assert_eq!(
        words(&files, "/f", &user(WWW, &[33, 50]), Read),
        "denied /f: group class has --- (gid 50)"
    );
    assert_eq!(words(&files, "/f", &user(WWW, &[33]), Read), "allowed /f: other class has r--");
}

#[test]
fn the_group_bits_of_the_mode_are_the_mask_and_give_the_group_nothing() {
    let entries = [(UserObj, 6), (User(1000), 6), (GroupObj, 0), (Mask, 6), (Other, 0)];
    let files = Fake::new().file("/f", 0, 50, 0o660).acl("/f", &entries);
    assert_eq!(
        words(&files, "/f", &user(WWW, &[50]), Read),
        "denied /f: ACL entry group::--- (gid 50)"
    );
    assert!(ruling(&files, "/f", &user(1000, &[]), Write).allowed);
}

#[test]
fn the_mask_bounds_named_users_and_groups_but_not_the_owner_and_others() {
    let entries =
        [(UserObj, 6), (User(1000), 7), (GroupObj, 6), (Group(60), 6), (Mask, 4), (Other, 6)];
    let files = Fake::new().file("/f", WWW, 50, 0o666).acl("/f", &entries);
    assert_eq!(
        words(&files, "/f", &user(1000, &[]), Write),
        "denied /f: ACL entry user:1000:rwx, mask leaves r--"
    );
    assert!(!ruling(&files, "/f", &user(1, &[50]), Write).allowed);
    assert!(!ruling(&files, "/f", &user(1, &[60]), Write).allowed);
    assert!(ruling(&files, "/f", &user(1, &[]), Write).allowed);
    assert!(ruling(&files, "/f", &user(WWW, &[]), Write).allowed);
}

#[test]
fn an_empty_mask_lets_a_named_user_fall_through_to_others() {
    let entries = [(UserObj, 6), (User(1000), 7), (GroupObj, 4), (Mask, 0), (Other, 4)];
    let files = Fake::new().file("/f", 0, 50, 0o604).acl("/f", &entries);
    assert_eq!(words(&files, "/f", &user(1000, &[]), Read), "allowed /f: other class has r--");
    assert_eq!(
        words(&files, "/f", &user(1, &[50]), Read),
        "denied /f: group class has --- (gid 50)"
    );
    let entries = [(UserObj, 6), (User(1000), 7), (GroupObj, 4), (Mask, 1), (Other, 4)];
    let files = Fake::new().file("/f", 0, 50, 0o604).acl("/f", &entries);
    assert!(!ruling(&files, "/f", &user(1000, &[]), Read).allowed);
}

#[test]
fn the_bits_of_two_groups_do_not_add_up() {
    let entries =
        [(UserObj, 7), (GroupObj, 0), (Group(60), 2), (Group(61), 1), (Mask, 7), (Other, 7)];
    let files = Fake::new().dir("/d", 0, 50, 0o777).acl("/d", &entries);
    assert_eq!(
        words(&files, "/d", &user(WWW, &[60, 61]), Write),
        "denied /d: ACL entries group:60:-w-, group:61:--x, none of them enough"
    );
}

#[test]
fn a_directory_that_can_be_listed_may_still_not_be_passed() {
    let files = Fake::new().dir("/opt", 0, 0, 0o744).file("/opt/app", 0, 0, 0o644);
    assert!(ruling(&files, "/opt", &user(WWW, &[]), Read).allowed);
    assert_eq!(
        words(&files, "/opt/app", &user(WWW, &[]), Read),
        "denied /opt: other class has r--, x is needed to pass"
    );
    // Nor can it be learnt that a file is missing.
    assert!(!ruling(&files, "/opt/missing", &user(WWW, &[]), Read).allowed);
}

#[test]
fn dot_and_dot_dot_need_search_permission_too() {
    let files = Fake::new().dir("/d", 0, 0, 0o744).file("/f", 0, 0, 0o644);
    for path in ["/d/.", "/d/..", "/d/../f"] {
        assert!(!ruling(&files, path, &user(WWW, &[]), Read).allowed, "{path}");
    }
    assert!(ruling(&files, "/../../f", &user(WWW, &[]), Read).allowed);
    assert!(ruling(&files, "//d//", &user(WWW, &[]), Read).allowed);
}

fn chain(length: usize) -> Fake {
    (1..=length).fold(Fake::new().file("/link0", 0, 0, 0o644), |files, i| {
        files.link(&format!("/link{i}"), 0, &format!("link{}", i - 1))
    })
}

#[test]
fn forty_links_are_followed_and_forty_one_are_not() {
    assert!(ruling(&chain(40), "/link40", &user(WWW, &[]), Read).allowed);
    assert_eq!(
        words(&chain(41), "/link41", &user(WWW, &[]), Read),
        "denied /link1: more than 40 symbolic links (ELOOP)"
    );
}

#[test]
fn a_link_that_leads_to_itself_ends() {
    let files = Fake::new().link("/l", 0, "/l");
    assert!(!ruling(&files, "/l", &user(ROOT, &[]), Read).allowed);
}

#[test]
fn links_lead_on_from_where_they_stand() {
    let files = Fake::new()
        .dir("/a", 0, 0, 0o755)
        .dir("/a/b", 0, 0, 0o755)
        .file("/a/f", 0, 0, 0o600)
        .link("/a/b/up", 0, "../f")
        .link("/abs", 0, "/a/b/")
        .link("/dangling", 0, "nowhere");
    assert_eq!(ruling(&files, "/abs/up", &user(WWW, &[]), Read).component, Path::new("/a/f"));
    let missing = |path| decide(&files, Path::new(path), &user(WWW, &[]), Read).unwrap().is_none();
    assert!(missing("/dangling") && missing("/a/f/") && missing("/a/f/..") && missing("/a/x/y"));
}

#[test]
fn root_executes_only_what_somebody_may_execute() {
    let files = Fake::new().file("/plain", 1, 1, 0o644).file("/bin", 1, 1, 0o001);
    assert_eq!(
        words(&files, "/plain", &user(ROOT, &[0]), Execute),
        "denied /plain: other class has r--; without any execute bit not even root may execute it"
    );
    assert!(ruling(&files, "/bin", &user(ROOT, &[0]), Execute).allowed);
    assert!(ruling(&files, "/plain", &user(ROOT, &[0]), Write).allowed);
}

#[test]
fn root_without_capabilities_is_a_user_like_others() {
    let files = Fake::new().file("/f", 1, 1, 0o600);
    let mut who = user(ROOT, &[0]);
    assert_eq!(
        words(&files, "/f", &who, Read),
        "allowed /f: CAP_DAC_READ_SEARCH overrides: other class has ---"
    );
    who.capabilities = 0;
    assert!(!ruling(&files, "/f", &who, Read).allowed);
    who.capabilities = mask(DAC_OVERRIDE);
    assert!(ruling(&files, "/f", &who, Write).allowed);
}

#[test]
fn read_search_reads_files_and_passes_directories_and_no_more() {
    let files = Fake::new().dir("/d", 1, 1, 0).file("/d/f", 1, 1, 0o111);
    let mut who = user(WWW, &[]);
    who.capabilities = mask(DAC_READ_SEARCH);
    assert!(ruling(&files, "/d/f", &who, Read).allowed);
    assert!(ruling(&files, "/d", &who, Read).allowed);
    assert!(!ruling(&files, "/d", &who, Write).allowed);
    assert!(!ruling(&files, "/d/f", &who, Write).allowed);
}

#[test]
fn nobody_writes_to_a_read_only_filesystem_but_devices_take_what_they_get() {
    let mut files = Fake::new().file("/f", WWW, 1, 0o644).kind(FileKind::Fifo, "/p", WWW, 1, 0o600);
    files.read_only = true;
    for who in [user(WWW, &[]), user(ROOT, &[])] {
        assert_eq!(
            words(&files, "/f", &who, Write),
            "denied /f: the filesystem is mounted read-only"
        );
        assert!(ruling(&files, "/p", &who, Write).allowed);
        assert!(ruling(&files, "/f", &who, Read).allowed);
    }
    assert!(!ruling(&files, "/p", &user(ROOT, &[]), Execute).allowed);
}

#[test]
fn a_link_of_a_stranger_in_a_shared_directory_is_not_followed_where_protected() {
    let files =
        || Fake::new().dir("/tmp", 0, 0, 0o1777).file("/f", 0, 0, 0o644).link("/tmp/l", 1000, "/f");
    let switch = "/proc/sys/fs/protected_symlinks";
    let protected = files().content(switch, b"1\n");
    assert!(!ruling(&protected, "/tmp/l", &user(ROOT, &[]), Read).allowed);
    assert!(ruling(&protected, "/tmp/l", &user(1000, &[]), Read).allowed);
    let open = files().content(switch, b"0\n");
    assert!(ruling(&open, "/tmp/l", &user(WWW, &[]), Read).allowed);
    // Not knowing the switch is not knowing the answer, but only where it matters.
    assert!(decide(&files(), Path::new("/tmp/l"), &user(WWW, &[]), Read).is_err());
    assert!(decide(&files(), Path::new("/tmp/l"), &user(1000, &[]), Read).is_ok());
}

#[test]
fn what_could_not_be_seen_is_unknown_and_neither_allowed_nor_denied() {
    let files = Fake::new().dir("/d", 0, 0, 0o755).file("/d/f", 0, 0, 0o644).hidden("/d/f");
    let unknown = decide(&files, Path::new("/d/f"), &user(WWW, &[]), Read).unwrap_err();
    assert_eq!(unknown.cause, Cause::PermissionDenied);
    let files = Fake::new().file("/f", 0, 0, 0o644).hidden("/f/acl");
    assert!(decide(&files, Path::new("/f"), &user(WWW, &[]), Read).is_err());
    // The owner's class needs no ACL, and a capability makes it irrelevant.
    assert!(
        !ruling(&files, "/f", &Credentials { capabilities: 0, ..user(0, &[]) }, Execute).allowed
    );
    let mut capable = user(WWW, &[]);
    capable.capabilities = mask(DAC_OVERRIDE);
    assert!(ruling(&files, "/f", &capable, Write).allowed);
}

#[test]
fn an_acl_without_what_the_kernel_insists_on_is_unknown() {
    for entries in [
        &[(GroupObj, 4), (Mask, 4)][..],
        &[(Mask, 4), (Other, 4)][..],
        &[(User(WWW), 4), (GroupObj, 4), (Other, 4)][..],
    ] {
        let files = Fake::new().file("/f", 0, 0, 0o644).acl("/f", entries);
        let unknown = decide(&files, Path::new("/f"), &user(WWW, &[]), Read).unwrap_err();
        assert!(matches!(unknown.cause, Cause::Malformed(_)), "{unknown}");
    }
}

#[test]
fn links_of_proc_that_mean_another_file_to_each_process_are_unknown() {
    let files = Fake::new()
        .dir("/proc", 0, 0, 0o555)
        .link("/proc/self", 0, "1")
        .dir("/proc/1", 0, 0, 0o555)
        .link("/proc/1/exe", 0, "/init");
    for path in ["/proc/self/status", "/proc/1/exe"] {
        assert!(decide(&files, Path::new(path), &user(ROOT, &[]), Read).is_err(), "{path}");
    }
}

#[test]
fn paths_that_no_kernel_takes_are_denied_or_refused() {
    let files = Fake::new();
    let long = format!("/{}", "x".repeat(256));
    assert!(!ruling(&files, &long, &user(ROOT, &[]), Read).allowed);
    assert!(!ruling(&files, &"/x".repeat(3000), &user(ROOT, &[]), Read).allowed);
    assert!(decide(&files, Path::new("relative"), &user(ROOT, &[]), Read).is_err());
    assert!(decide(&files, Path::new(""), &user(ROOT, &[]), Read).is_err());
}
