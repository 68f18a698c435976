use crate::facts::Cause;
use crate::facts::file::Mode;
use crate::targets::memory::*;

fn shop() -> Memory {
    Memory::new()
        .file("/etc/nginx/nginx.conf", 0o640, 33, 33, "user www-data;")
        .symlink("/etc/web", "nginx")
        .symlink("/conf", "/etc/web/../web/nginx.conf")
        .symlink("/loop", "/loop")
        .dir("/root/secret", 0o700, 0, 0)
        .file("/root/secret/key", 0o600, 0, 0, "k")
        .unreadable("/root/secret")
}

#[test]
fn directories_on_the_way_exist() {
    let etc = Files::file(&shop(), Path::new("/etc")).unwrap().unwrap();
    assert_eq!((etc.kind, etc.mode), (FileKind::Directory, Mode(0o755)));
}

#[test]
fn a_link_is_followed_on_the_way_and_for_reading_but_not_at_the_end() {
    let shop = shop();
    assert_eq!(shop.read(Path::new("/conf")).unwrap().unwrap().as_slice(), b"user www-data;");
    let link = Files::file(&shop, Path::new("/conf")).unwrap().unwrap();
    assert_eq!(link.kind, FileKind::Symlink);
    let file = Files::file(&shop, Path::new("/etc/web/nginx.conf")).unwrap().unwrap();
    assert_eq!(file.mode, Mode(0o640));
}

#[test]
fn a_link_to_itself_is_unknown_not_absent() {
    assert!(shop().read(Path::new("/loop")).is_err());
}

#[test]
fn below_a_closed_directory_nothing_is_known() {
    let shop = shop();
    assert!(shop.list(Path::new("/root/secret")).is_err());
    assert!(Files::file(&shop, Path::new("/root/secret/key")).is_err());
    assert!(Files::file(&shop, Path::new("/root/secret")).unwrap().is_some());
}

#[test]
fn what_is_not_there_is_none() {
    let shop = shop();
    assert_eq!(shop.read(Path::new("/etc/nothing")).unwrap(), None);
    assert_eq!(shop.read(Path::new("/etc/nginx/nginx.conf/x")).unwrap(), None);
    assert_eq!(shop.list(Path::new("/etc/nginx/nginx.conf")).unwrap(), None);
}

#[test]
fn names_are_listed_in_order() {
    let names = shop().list(Path::new("/etc")).unwrap().unwrap();
    assert_eq!(names.as_slice(), ["nginx", "web"]);
}

/// The pids that a selector picks, and how many are undecided.
fn picked(host: &Memory, selector: Selector) -> (Vec<u32>, usize) {
    let selection = host.processes(&selector).unwrap();
    (selection.processes.iter().map(|process| process.pid).collect(), selection.undecided.len())
}

fn web() -> Memory {
    Memory::new()
        .file("/usr/sbin/nginx", 0o755, 0, 0, "")
        .symlink("/sbin", "usr/sbin")
        .file("/run/nginx.pid", 0o644, 0, 0, "10\n")
        .process(Running::program(10, "/usr/sbin/nginx").in_unit("nginx.service"))
        .process(Running::program(11, "/usr/sbin/nginx").child_of(10).owned_by(33, 33))
        .process(Running::program(12, "/bin/helper-with-a-long-name").child_of(11))
        .process(Running::program(13, "/usr/sbin/nginx").in_container())
        .process(Running::program(14, "").of_the_kernel().named("nginx"))
}

#[test]
fn a_program_is_found_by_its_path_and_by_a_link_to_it() {
    for exe in ["/usr/sbin/nginx", "/sbin/nginx"] {
        let selector = Selector { exe: Some(exe.into()), ..Selector::default() };
        assert_eq!(picked(&web(), selector), (vec![10, 11], 0), "{exe}");
    }
}

#[test]
fn processes_of_containers_count_when_asked_for() {
    let exe = Some("/usr/sbin/nginx".into());
    let selector = Selector { exe, containers: true, ..Selector::default() };
    assert_eq!(picked(&web(), selector), (vec![10, 11, 13], 0));
}

#[test]
fn every_other_criterion_picks_too() {
    let by = Selector::default;
    let name = Some("helper-with-a-long-name".into());
    assert_eq!(picked(&web(), Selector { name, ..by() }), (vec![12], 0));
    let unit = Some("nginx.service".into());
    assert_eq!(picked(&web(), Selector { unit, ..by() }), (vec![10], 0));
    assert_eq!(picked(&web(), Selector { uid: Some(33), ..by() }), (vec![11], 0));
    let pid_file = Some("/run/nginx.pid".into());
    assert_eq!(picked(&web(), Selector { pid_file, ..by() }), (vec![10, 11, 12], 0));
    let cmdline = Some("helper.*name$".into());
    assert_eq!(picked(&web(), Selector { cmdline, ..by() }), (vec![12], 0));
}

#[test]
fn a_known_no_outweighs_what_cannot_be_seen() {
    let why = || Unknown::new("/proc/20/exe", Cause::PermissionDenied);
    let host = web().process(Running::program(20, "/bin/x").unreadable_exe(why()));
    let exe = || Some("/usr/sbin/nginx".into());
    let selector = Selector { exe: exe(), ..Selector::default() };
    assert_eq!(picked(&host, selector), (vec![10, 11], 1));
    let selector = Selector { exe: exe(), name: Some("nginx".into()), ..Selector::default() };
    assert_eq!(picked(&host, selector), (vec![10, 11], 0));
}

#[test]
fn a_process_of_which_nothing_can_be_seen_may_be_anything() {
    let why = Unknown::new("/proc/21", Cause::PermissionDenied);
    let host = web().unreadable_process(21, why.clone());
    assert_eq!(picked(&host, Selector::default()).1, 1);
    assert_eq!(Target::process(&host, 21), Err(why));
    assert_eq!(Target::process(&host, 22), Ok(None));
}
