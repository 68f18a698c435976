//! `controlled_only_by` and `who-can` on plain data and on staged root filesystems: who could change
//! what a service does, and through which component.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Answers, rule};
use spotcheck::access::{Deed, who_controls};
use spotcheck::facts::file::{Acl, AclEntry, AclTag};
use spotcheck::facts::{Cause, Unknown};
use spotcheck::targets::memory::{Memory, Running};
use std::path::Path;

const UNIT: &str = "[Service]\nUser=shop\nExecStart=/opt/shop/bin/shop\n";

/// A host whose shop is root's, all of it.
fn shop() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("shop", 200, 200)
        .user("bob", 1001, 1001)
        .user("eve", 1002, 1002)
        .group("root", 0, &[])
        .group("staff", 50, &["bob", "eve"])
        .group("empty", 60, &[])
        .dir("/tmp", 0o1777, 0, 0)
        .file("/opt/shop/bin/shop", 0o755, 0, 0, "program")
        .file("/etc/systemd/system/shop.service", 0o644, 0, 0, UNIT)
        .process(
            Running::program(10, "/opt/shop/bin/shop").owned_by(200, 200).in_unit("shop.service"),
        )
}

fn judged(host: &Memory) -> Answers {
    rule("service: shop\nmust: { controlled_only_by: [root] }")
        .given("services: { shop: { unit: shop.service } }")
        .on(host)
}

/// Who controls a path of the host: `bob via group staff /opt replace`.
fn controls(host: &Memory, path: &str) -> Vec<String> {
    let control = who_controls(host, Path::new(path));
    assert_eq!(control.gap, None);
    let deed = |deed| match deed {
        Deed::Replace => "replace",
        Deed::Create => "create",
        Deed::Write => "write",
    };
    let line = |way: &spotcheck::access::Way| {
        format!("{} {} {} {}", way.who, way.right, way.component.display(), deed(way.deed))
    };
    control.ways.iter().map(line).collect()
}

#[test]
fn what_only_root_can_change_passes() {
    judged(&shop()).passes();
}

#[test]
fn a_directory_that_a_group_may_write_is_one_finding_for_all_that_lies_below() {
    let host =
        shop().dir("/opt", 0o775, 0, 50).file("/opt/shop/etc/env", 0o644, 0, 0, "A=b\n").file(
            "/etc/systemd/system/shop.service",
            0o644,
            0,
            0,
            "[Service]\nEnvironmentFile=/opt/shop/etc/env\nExecStart=/opt/shop/bin/shop\n",
        );
    let answers = judged(&host);
    assert_eq!(answers.findings.len(), 1, "{answers:?}");
    answers
        .fails_with(
            "controlled_only_by: /opt (drwxrwxr-x root:staff) -> bob, eve via group staff: could \
             replace shop; that decides executable /opt/shop/bin/shop, EnvironmentFile= of \
             shop.service /opt/shop/etc/env; expected controlled only by root",
        )
        .repaired_by("chmod g-w /opt");
    let cause = answers.findings[0].assertion.cause.clone().unwrap();
    assert_eq!(cause.to_string(), "directory /opt");
}

#[test]
fn two_causes_are_two_findings() {
    let host = shop().dir("/opt", 0o777, 0, 0).file(
        "/etc/systemd/system/shop.service",
        0o664,
        0,
        50,
        UNIT,
    );
    let answers = judged(&host);
    assert_eq!(answers.findings.len(), 2, "{answers:?}");
    answers.repaired_by("chmod o-w /opt").repaired_by("chmod g-w /etc/systemd/system/shop.service");
}

#[test]
fn who_is_allowed_is_no_finding() {
    let host = shop().dir("/opt/shop/bin", 0o755, 200, 200);
    judged(&host).fails_with(
        "controlled_only_by: /opt/shop/bin (drwxr-xr-x shop:200) -> shop as its owner: could \
         replace shop; that decides executable /opt/shop/bin/shop; expected controlled only by root",
    );
    rule("service: { unit: shop.service }\nmust: { controlled_only_by: [root, shop] }")
        .on(&host)
        .passes();
}

#[test]
fn a_group_without_members_gives_nobody_anything() {
    judged(&shop().dir("/opt", 0o775, 0, 60)).passes();
}

#[test]
fn a_primary_group_counts_like_a_supplementary_one() {
    let host = shop().dir("/opt", 0o775, 0, 1002);
    assert_eq!(controls(&host, "/opt/shop"), ["eve via group 1002 /opt replace"]);
}

#[test]
fn the_group_bits_may_be_a_mask() {
    let entry = |who, perms| AclEntry { who, perms };
    let acl = |mask| Acl {
        entries: vec![
            entry(AclTag::UserObj, 7),
            entry(AclTag::User(1001), 7),
            entry(AclTag::GroupObj, 5),
            entry(AclTag::Mask, mask),
            entry(AclTag::Other, 5),
        ],
    };
    let host = shop().dir("/opt", 0o775, 0, 50).with_acl("/opt", acl(7));
    assert_eq!(controls(&host, "/opt/shop"), ["bob by ACL entry user:1001:rwx /opt replace"]);
    judged(&host).repaired_by("setfacl -b /opt");
    let host = shop().dir("/opt", 0o755, 0, 50).with_acl("/opt", acl(5));
    judged(&host).passes();
}

#[test]
fn a_sticky_directory_protects_what_is_there_and_not_what_is_missing() {
    let host = shop().dir("/tmp/app", 0o755, 0, 0).file("/tmp/bobs", 0o644, 1001, 1001, "");
    assert_eq!(controls(&host, "/tmp/app"), Vec::<String>::new());
    assert_eq!(controls(&host, "/tmp/none/x"), ["everyone as everybody /tmp create"]);
    assert_eq!(
        controls(&host, "/tmp/bobs"),
        ["bob as its owner /tmp/bobs replace", "bob as its owner /tmp/bobs write"]
    );
    let host = host.dir("/srv", 0o1777, 1001, 1001).dir("/srv/app", 0o755, 0, 0);
    assert_eq!(controls(&host, "/srv/app"), ["bob as its owner /srv replace"]);
}

#[test]
fn a_directory_of_root_in_one_that_all_may_write_can_be_put_aside() {
    let host = shop().dir("/srv", 0o777, 0, 0).dir("/srv/app", 0o755, 0, 0);
    assert_eq!(controls(&host, "/srv/app/x"), ["everyone as everybody /srv replace"]);
}

#[test]
fn the_directories_of_symbolic_links_count() {
    let host = shop()
        .dir("/links", 0o775, 0, 50)
        .symlink("/links/app", "../opt/shop/bin/shop")
        .symlink("/usr/bin/shop", "/links/app");
    assert_eq!(
        controls(&host, "/usr/bin/shop"),
        ["bob via group staff /links replace", "eve via group staff /links replace"]
    );
}

#[test]
fn whoever_cannot_get_to_a_directory_cannot_change_it() {
    let host = shop().dir("/closed", 0o700, 0, 0).dir("/closed/open", 0o777, 0, 0);
    assert_eq!(controls(&host, "/closed/open/x"), Vec::<String>::new());
    let host = host.dir("/closed", 0o700, 1001, 1001);
    assert_eq!(
        controls(&host, "/closed/open/x"),
        ["bob as its owner /closed replace", "bob as everybody /closed/open create"]
    );
}

#[test]
fn on_a_filesystem_that_is_mounted_read_only_nobody_changes_anything() {
    let host = shop().dir("/opt", 0o777, 1001, 1001).mounted_read_only("/opt");
    assert_eq!(controls(&host, "/opt/shop"), Vec::<String>::new());
}

#[test]
fn what_cannot_be_seen_makes_a_pass_unknown_and_leaves_a_violation_one() {
    let host = shop().unreadable("/opt/shop/bin");
    assert_eq!(judged(&host).exit(), 2, "{:?}", judged(&host));
    let host = shop().unreadable("/etc/systemd/system/shop.service");
    assert_eq!(judged(&host).exit(), 2);
    let host = shop().malformed_account("/etc/group:3: x");
    assert_eq!(judged(&host).exit(), 2);
    let host = shop().nss_group("ldap", 70, &[]).dir("/opt", 0o775, 0, 70);
    assert_eq!(judged(&host).exit(), 2, "its members are not listed");
    let host = shop().unreadable("/etc/systemd/system/shop.service").dir("/opt", 0o777, 0, 0);
    assert_eq!(judged(&host).exit(), 1);
}

#[test]
fn members_that_only_the_name_service_knows_count() {
    let host = shop().nss_group("ldap", 70, &["bob"]).dir("/opt", 0o775, 0, 70);
    judged(&host).repaired_by("chmod g-w /opt");
}

#[test]
fn an_owner_without_an_account_is_whoever_gets_the_number_next() {
    let host = shop().file("/opt/shop/bin/shop", 0o755, 4711, 4711, "program");
    assert_eq!(
        controls(&host, "/opt/shop/bin/shop"),
        ["uid 4711 (no account) as its owner /opt/shop/bin/shop write"]
    );
}

#[test]
fn an_alias_of_root_is_root() {
    let host = shop().user("toor", 0, 0).dir("/opt", 0o775, 0, 0);
    judged(&host).passes();
}

/// Each thing that decides what a service does, given away to bob; the words of the finding.
#[test]
fn everything_that_decides_what_the_service_does_counts() {
    let unit = |lines: &str| format!("{UNIT}{lines}\n");
    let with_unit =
        |lines: &str| shop().file("/etc/systemd/system/shop.service", 0o644, 0, 0, unit(lines));
    let maps =
        "7f00-7f01 r-xp 0 08:01 5      /srv/lib/libshop.so\n7f01-7f02 r--p 0 08:01 6 /srv/data\n";
    let bobs = |host: Memory, path: &str| host.file(path, 0o644, 1001, 1001, "x");
    let cases: Vec<(&str, Memory)> = vec![
        ("executable /opt/shop/bin/shop", shop().file("/opt/shop/bin/shop", 0o755, 1001, 0, "")),
        (
            "unit file of shop.service",
            shop().file("/etc/systemd/system/shop.service", 0o644, 1001, 0, UNIT),
        ),
        ("drop-in of shop.service", bobs(shop(), "/etc/systemd/system/shop.service.d/bob.conf")),
        (
            "drop-in directory of shop.service",
            shop().dir("/etc/systemd/system/shop.service.d", 0o755, 1001, 0),
        ),
        (
            "EnvironmentFile= of shop.service /srv/env",
            bobs(with_unit("EnvironmentFile=-/srv/env"), "/srv/env"),
        ),
        ("EnvironmentFile= of shop.service /tmp/env", with_unit("EnvironmentFile=-/tmp/env")),
        (
            "ExecStartPre= of shop.service /srv/prepare",
            bobs(with_unit("ExecStartPre=+/srv/prepare now"), "/srv/prepare"),
        ),
        (
            "argument of ExecStartPost= of shop.service, /srv/after",
            bobs(with_unit("ExecStartPost=/bin/sh /srv/after"), "/srv/after"),
        ),
        (
            "interpreter of /srv/start, /srv/sh",
            bobs(with_unit("ExecReload=/srv/start"), "/srv/sh").file(
                "/srv/start",
                0o755,
                0,
                0,
                "#!/srv/sh\n",
            ),
        ),
        (
            "run by /srv/start, /srv/tool",
            with_unit("ExecReload=/srv/start").file("/srv/tool", 0o755, 1001, 0, "x").file(
                "/srv/start",
                0o755,
                0,
                0,
                "#!/bin/sh\nif true; then /srv/tool; fi\n",
            ),
        ),
        (
            "run by /srv/start, /srv/lib.sh",
            bobs(with_unit("ExecReload=/srv/start"), "/srv/lib.sh").file(
                "/srv/start",
                0o755,
                0,
                0,
                "#!/bin/sh\n. /srv/lib.sh\n",
            ),
        ),
        (
            "EnvironmentFile= of shop.service /srv/env/b.conf",
            bobs(with_unit("EnvironmentFile=-/srv/env/*.conf"), "/srv/env/b.conf"),
        ),
        (
            "directory of EnvironmentFile= of shop.service /srv/env",
            with_unit("EnvironmentFile=-/srv/env/*.conf").dir("/srv/env", 0o755, 1001, 0),
        ),
        (
            "directory of PATH of shop.service, /srv/search",
            with_unit("ExecSearchPath=/srv/search").dir("/srv/search", 0o755, 1001, 0),
        ),
        (
            "ExecStop= of shop.service /srv/shop/stop",
            with_unit("ExecStop=/srv/%p/stop").file("/srv/shop/stop", 0o755, 1001, 0, ""),
        ),
        (
            "ExecStop= of shop.service /srv/inside/bin/stop",
            with_unit("RootDirectory=/srv/inside\nExecStop=/bin/stop").file(
                "/srv/inside/bin/stop",
                0o755,
                1001,
                0,
                "",
            ),
        ),
        (
            "directory of units /run/systemd/system",
            shop().dir("/run/systemd/system", 0o755, 1001, 0),
        ),
        (
            "drop-in directory of shop.service /run/systemd/system/service.d",
            shop().dir("/run/systemd/system/service.d", 0o755, 1001, 0),
        ),
        (
            "named by ExecStop= of shop.service, /srv/app/bin/stop",
            with_unit("ExecStop=/bin/sh -c 'cd /srv/app && ./bin/stop now'").file(
                "/srv/app/bin/stop",
                0o755,
                1001,
                0,
                "",
            ),
        ),
        (
            "directory of PATH of run by /srv/start, /srv/own",
            with_unit("ExecReload=/srv/start").dir("/srv/own", 0o755, 1001, 0).file(
                "/srv/start",
                0o755,
                0,
                0,
                "#!/bin/sh\nexport PATH=\"/srv/own:$PATH\"\n",
            ),
        ),
        (
            "mapped library /srv/lib/gone.so",
            bobs(
                shop().file(
                    "/proc/10/maps",
                    0o444,
                    0,
                    0,
                    "7f00-7f01 r-xp 0 08:01 5      /srv/lib/gone.so (deleted)\n",
                ),
                "/srv/lib/gone.so",
            ),
        ),
        (
            "library of LD_PRELOAD of /etc/ld.so.preload, /srv/pre.so",
            bobs(shop().file("/etc/ld.so.preload", 0o644, 0, 0, "/srv/pre.so\n"), "/srv/pre.so"),
        ),
        ("WorkingDirectory= of shop.service", bobs(with_unit("WorkingDirectory=/srv/w"), "/srv/w")),
        (
            "directory of PATH of shop.service, /tmp/bin",
            with_unit("Environment=\"PATH=/tmp/bin:/bin\" A=b"),
        ),
        (
            "library of LD_PRELOAD of shop.service, /srv/pre.so",
            bobs(with_unit("Environment=LD_PRELOAD=/srv/pre.so"), "/srv/pre.so"),
        ),
        (
            "name that is looked up for ExecStop= of shop.service, /usr/local/sbin/stop",
            with_unit("ExecStop=stop").dir("/usr/local/sbin", 0o755, 1001, 0).file(
                "/bin/stop",
                0o755,
                0,
                0,
                "",
            ),
        ),
        (
            "mapped library /srv/lib/libshop.so",
            bobs(shop().file("/proc/10/maps", 0o444, 0, 0, maps), "/srv/lib/libshop.so"),
        ),
        (
            "working directory /srv/work",
            shop().dir("/srv/work", 0o755, 1001, 0).symlink("/proc/10/cwd", "/srv/work"),
        ),
        (
            "directory of PATH of the process, /srv/bin",
            shop().dir("/srv/bin", 0o755, 1001, 0).file(
                "/proc/10/environ",
                0o400,
                0,
                0,
                "SECRET=x\0PATH=/srv/bin\0",
            ),
        ),
    ];
    for (words, host) in cases {
        let answers = judged(&host);
        let shown = format!("{answers:?}");
        assert_eq!(answers.exit(), 1, "{words}: {shown}");
        assert!(shown.contains(words), "{words}:\n{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

#[test]
fn what_cannot_be_told_of_a_service_makes_a_pass_unknown() {
    let unit = |lines: &str| {
        let unit = format!("{UNIT}{lines}\n");
        shop().file("/etc/systemd/system/shop.service", 0o644, 0, 0, unit)
    };
    judged(&unit("")).passes();
    assert_eq!(judged(&unit("EnvironmentFile=/srv/%m/env")).exit(), 2, "the machine's id");
    assert_eq!(judged(&unit("RootImage=/srv/image.raw")).exit(), 2, "files within an image");
    let large = format!("#!/bin/sh\n{}", "# a long story\n".repeat(80_000));
    let host = unit("ExecStop=/srv/large").file("/srv/large", 0o755, 0, 0, large);
    assert_eq!(judged(&host).exit(), 2, "a script that is too large");
    let deep = (0..20).fold(unit("ExecStop=/srv/s0"), |host, number| {
        let text = format!("#!/bin/sh\n/srv/s{}\n", number + 1);
        host.file(format!("/srv/s{number}"), 0o755, 0, 0, text)
    });
    assert_eq!(judged(&deep).exit(), 2, "scripts that call scripts");
}

#[test]
fn mapped_data_and_what_is_only_read_do_not_count() {
    let maps = "7f01-7f02 r--p 0 08:01 6 /srv/data\n7f02-7f03 r-xp 0 0:0 0 [vdso]\n";
    let host =
        shop().file("/proc/10/maps", 0o444, 0, 0, maps).file("/srv/data", 0o666, 1001, 0, "");
    judged(&host).passes();
}

#[test]
fn configuration_counts_with_what_it_includes() {
    let asked = || {
        rule(
            "service: { unit: shop.service }\nconfiguration: /etc/nginx/nginx.conf\nmust: { \
             controlled_only_by: [root] }",
        )
    };
    let host = shop().file("/etc/nginx/nginx.conf", 0o644, 0, 0, "include /srv/sites/*;\n").file(
        "/srv/sites/a",
        0o644,
        0,
        0,
        "user nginx;\n",
    );
    asked().on(&host).passes();
    let open = host.clone().file("/srv/sites/a", 0o644, 1001, 0, "user nginx;\n");
    asked().on(&open).fails_with(
        "controlled_only_by: /srv/sites/a (-rw-r--r-- bob:root) -> bob as its owner: could write \
         it; that decides configuration included by /etc/nginx/nginx.conf /srv/sites/a; expected \
         controlled only by root",
    );
}

#[test]
fn an_image_is_told_from_what_it_declares() {
    let declared = |mode| {
        shop()
            .dir("/opt", mode, 0, 0)
            .symlink("/etc/systemd/system/multi-user.target.wants/shop.service", "../shop.service")
            .image()
    };
    judged(&declared(0o755)).passes();
    judged(&declared(0o777)).repaired_by("chmod o-w /opt");
}

#[test]
fn what_is_no_answer_is_not_combined_into_one() {
    let host = shop().dir("/opt", 0o777, 0, 0);
    let answers = rule(
        "service: { unit: shop.service }\nmust: { any: [{ controlled_only_by: [root] }, { count: 1 }] }",
    );
    answers.on(&host).passes();
    rule("service: { unit: shop.service }\nmust: { not: { controlled_only_by: [root] } }")
        .on(&host)
        .passes();
    let unseen = Unknown::new("/etc/passwd", Cause::PermissionDenied);
    rule("service: { unit: shop.service }\nmust: { not: { controlled_only_by: [root] } }")
        .on(&shop().unreadable_accounts(unseen))
        .unknown_with("not: /etc/passwd: permission denied");
}

/// Counter-examples that the comparison with the kernel (tests/access_kernel.rs) has found.
#[test]
fn what_the_kernel_has_taught() {
    // The owner of a name in a sticky directory that all may write can replace a link of his own.
    let host = shop().dir("/tmp/bobs-too", 0o755, 1001, 0);
    assert_eq!(
        controls(&host, "/tmp/bobs-too/x"),
        ["bob as its owner /tmp/bobs-too replace", "bob as its owner /tmp/bobs-too create"]
    );
    // Everybody but those whom a class that comes first denies it.
    let host = shop().dir("/srv", 0o707, 0, 50);
    assert_eq!(controls(&host, "/srv/x"), ["everyone as everybody except bob, eve /srv create"]);
    // And but an owner who cannot get there.
    let host = shop().dir("/a", 0o701, 0, 1001).file("/a/f", 0o606, 1001, 0, "");
    assert_eq!(controls(&host, "/a/f"), ["everyone as everybody except bob /a/f write"]);
    // A file cannot be what a path with a slash at its end leads to.
    let host = shop().file("/srv/f", 0o666, 0, 0, "").symlink("/srv/link", "f/");
    assert_eq!(controls(&host, "/srv/link"), Vec::<String>::new());
    // Who owns a directory that is left again by `..` decides nothing.
    let host = shop().dir("/srv/bobs", 0o755, 1001, 0).file("/srv/f", 0o644, 0, 0, "");
    assert_eq!(controls(&host, "/srv/bobs/../f"), Vec::<String>::new());
}
