//! Listening sockets of the live host and their holders, compared with `ss(8)`.

// Helpers of tests may be as blunt as tests, which clippy cannot see.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::live_support::{AS_NOBODY, Running, again, output, root, run_again, tool, wait_until};
use nix::sys::socket::sockopt::Ipv6V6Only;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn6, bind, listen, setsockopt, socket,
};
use spotcheck::facts::listener::{Listener, Protocol};
use spotcheck::host::Target;
use spotcheck::targets::live::Live;
use std::collections::BTreeSet;
use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

fn inode(fd: &impl AsFd) -> u32 {
    let path = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    u32::try_from(std::fs::metadata(path).unwrap().ino()).unwrap()
}

fn with_inode(inode: u32) -> Vec<Listener> {
    let all = Live::new().listeners().unwrap();
    all.iter().filter(|listener| listener.inode == inode).cloned().collect()
}

/// A TCP socket listening on `[::]`, at a port of the kernel's choice.
fn on_every_address(v6_only: bool) -> OwnedFd {
    let fd = socket(AddressFamily::Inet6, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&fd, Ipv6V6Only, &v6_only).unwrap();
    let any = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0);
    bind(fd.as_raw_fd(), &SockaddrIn6::from(any)).unwrap();
    listen(&fd, Backlog::new(5).unwrap()).unwrap();
    fd
}

/// One line per socket as `ss` shows it: protocol, address:port, inode, uid.
fn as_ss_says() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (protocol, option) in [("tcp", "-Hltnea"), ("udp", "-Hlune")] {
        let option = option.trim_end_matches('a');
        for line in output("ss", &[option]).lines() {
            let mut words = line.split_ascii_whitespace();
            let local = words.nth(3).unwrap().to_owned();
            let field =
                |name: &str| line.split_ascii_whitespace().find_map(|word| word.strip_prefix(name));
            let uid = field("uid:").unwrap_or("0");
            found.insert(format!("{protocol} {local} {} {uid}", field("ino:").unwrap()));
        }
    }
    found
}

fn as_live_says() -> BTreeSet<String> {
    let name = |index: u32| {
        let name = nix::net::if_::if_indextoname(index).ok();
        name.map(|name| format!("%{}", name.to_string_lossy())).unwrap_or_default()
    };
    let listeners = Live::new().listeners().unwrap();
    listeners
        .iter()
        .map(|l| {
            let interface = if l.interface == 0 { String::new() } else { name(l.interface) };
            // `ss` writes `*` for a socket that takes both.
            let address = match l.address {
                _ if l.is_dual_stack() => "*".to_owned(),
                std::net::IpAddr::V4(address) => address.to_string(),
                std::net::IpAddr::V6(address) => format!("[{address}]"),
            };
            format!("{} {address}{interface}:{} {} {}", l.protocol, l.port, l.inode, l.uid)
        })
        .collect()
}

#[test]
fn the_same_sockets_are_listed_as_by_ss() {
    if !tool("ss") {
        return;
    }
    let _sockets = (
        TcpListener::bind("127.0.0.1:0").unwrap(),
        TcpListener::bind("0.0.0.0:0").unwrap(),
        TcpListener::bind("[::1]:0").ok(),
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("[::]:0").ok(),
        on_every_address(true),
        on_every_address(false),
    );
    // Others open and close sockets meanwhile.
    for attempt in 1.. {
        let (before, live, after) = (as_ss_says(), as_live_says(), as_ss_says());
        if before == after {
            assert!(live.len() >= 5);
            assert_eq!(live, after);
            return;
        }
        assert!(attempt < 50, "the sockets of this host change all the time");
    }
}

#[test]
fn a_dual_stack_socket_is_told_from_one_for_ipv6_only() {
    for v6_only in [true, false] {
        let fd = on_every_address(v6_only);
        let found = with_inode(inode(&fd));
        let [listener] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(listener.v6_only, Some(v6_only));
        assert_eq!(listener.is_dual_stack(), !v6_only);
        assert_eq!(listener.answers("192.0.2.1".parse().unwrap()), !v6_only);
    }
}

#[test]
fn sockets_are_sorted_and_told_apart_by_protocol() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind(tcp.local_addr().unwrap()).unwrap();
    assert_eq!(with_inode(inode(&tcp))[0].protocol, Protocol::Tcp);
    assert_eq!(with_inode(inode(&udp))[0].protocol, Protocol::Udp);
    let all = Live::new().listeners().unwrap();
    assert!(all.is_sorted_by_key(|l| (l.protocol, l.port, l.address)));
}

#[test]
fn a_socket_belongs_to_the_user_who_made_it() {
    if let Some(port) = again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_ne!(port, listener.local_addr().unwrap().port().to_string());
        assert_eq!(with_inode(inode(&listener))[0].uid, 65534);
        return;
    }
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(with_inode(inode(&own))[0].uid, nix::unistd::geteuid().as_raw());
    if root() && tool("setpriv") {
        let port = own.local_addr().unwrap().port().to_string();
        run_again("a_socket_belongs_to_the_user_who_made_it", &AS_NOBODY, &port);
    }
}

/// A child that has inherited the socket.
fn heir(fd: &impl AsFd) -> Running {
    let copy = fd.as_fd().try_clone_to_owned().unwrap();
    Running::start(Command::new("sleep").arg("300").stdin(Stdio::from(copy)))
}

#[test]
fn every_holder_of_a_shared_socket_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let heirs = [heir(&listener), heir(&listener), heir(&listener)];
    let (wanted, other) = (inode(&listener), inode(&other));
    let mut expected: Vec<u32> = heirs.iter().map(Running::pid).collect();
    expected.push(std::process::id());
    expected.sort_unstable();
    // A child that another test has just forked holds everything until it executes its program.
    let quiet =
        || Live::new().holders(&BTreeSet::from([wanted])).unwrap()[&wanted].pids == expected;
    wait_until(quiet);
    let live = Live::new();
    let found = live.holders(&BTreeSet::from([wanted])).unwrap();
    // Asking for another listener takes no second look.
    drop(heirs);
    let again = live.holders(&BTreeSet::from([wanted, other])).unwrap();
    assert_eq!(again[&wanted], found[&wanted]);
    assert!(again[&other].pids.contains(&std::process::id()));
}

#[test]
fn the_same_holders_are_found_as_by_ss() {
    if !root() || !tool("ss") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _heirs = [heir(&listener), heir(&listener)];
    let (wanted, port) = (inode(&listener), listener.local_addr().unwrap().port());
    wait_until(|| {
        let line = output("ss", &["-Hltnp", &format!("sport = :{port}")]);
        let said = line.split("pid=").skip(1).map(|rest| rest.split(',').next().unwrap());
        let said: BTreeSet<u32> = said.map(|pid| pid.parse().unwrap()).collect();
        let found = Live::new().holders(&BTreeSet::from([wanted])).unwrap();
        said.len() == 3 && said == found[&wanted].pids.iter().copied().collect()
    });
}

#[test]
fn the_holder_is_found_when_its_main_thread_has_ended() {
    if !tool("python3") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let exit = if cfg!(target_arch = "x86_64") { "60" } else { "93" };
    let script = format!(
        "import ctypes,threading,time\n\
         threading.Thread(target=time.sleep,args=(300,)).start()\n\
         ctypes.CDLL(None).syscall(ctypes.c_long({exit}),0)"
    );
    let copy = listener.as_fd().try_clone_to_owned().unwrap();
    let python = Command::new("python3").args(["-c", &script]).stdin(Stdio::from(copy)).spawn();
    let child = Running(python.unwrap());
    child.wait_until(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ")
    });
    let found = Live::new().holders(&BTreeSet::from([inode(&listener)])).unwrap();
    let holders = &found[&inode(&listener)];
    // The kernel gives such a directory to root, so that others know only that they do not know.
    let refused = !nix::unistd::geteuid().is_root() && holders.unseen.is_some();
    assert!(holders.pids.contains(&child.pid()) || refused, "{holders:?}");
}

/// A python that does something with the socket it has as its standard input, and then waits. It has
/// done so when its descriptor 99 is there; without what it needs it ends with 7.
fn keeper(listener: &TcpListener, script: &str) -> Option<Running> {
    let head = "import ctypes,os,socket,sys,threading,time\nlibc=ctypes.CDLL(None,use_errno=True)\n\
                def wait():\n os.dup2(1,99)\n time.sleep(300)\n";
    let copy = listener.as_fd().try_clone_to_owned().unwrap();
    let mut python = Command::new("python3");
    python.args(["-c", &format!("{head}{script}")]).stdin(Stdio::from(copy));
    let mut child = Running(python.spawn().unwrap());
    loop {
        if std::fs::symlink_metadata(format!("/proc/{}/fd/99", child.pid())).is_ok() {
            return Some(child);
        }
        if let Some(status) = child.0.try_wait().unwrap() {
            assert_eq!(status.code(), Some(7), "{status}");
            return None;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_thread_with_descriptors_of_its_own_is_found_to_hold_what_it_kept() {
    if !tool("python3") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let script = "ready=threading.Event()\n\
                  def keep():\n libc.unshare(0x400)\n ready.set()\n time.sleep(300)\n\
                  threading.Thread(target=keep).start()\nready.wait()\n\
                  os.dup2(os.open('/dev/null',0),0)\nwait()";
    let child = keeper(&listener, script).unwrap();
    let own = std::fs::read_link(format!("/proc/{}/fd/0", child.pid())).unwrap();
    assert_eq!(own, std::path::Path::new("/dev/null"));
    let found = Live::new().holders(&BTreeSet::from([inode(&listener)])).unwrap();
    assert!(found[&inode(&listener)].pids.contains(&child.pid()), "{found:?}");
}

#[test]
fn every_kind_of_socket_with_a_port_is_listed() {
    if !tool("python3") {
        return;
    }
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    // IPPROTO_UDPLITE, which newer kernels have no more.
    let script = "try: s=socket.socket(2,2,136)\nexcept OSError: sys.exit(7)\n\
                  s.bind(('127.0.0.1',0))\nwait()";
    let Some(child) = keeper(&unused, script) else {
        return crate::live_support::skip("needs UDP-Lite");
    };
    let live = Live::new();
    let all = live.listeners().unwrap();
    let found: Vec<_> = all.iter().filter(|one| one.protocol == Protocol::UdpLite).collect();
    let [lite] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(lite.to_string(), format!("127.0.0.1:{}/udplite", lite.port));
    let holders = live.holders(&BTreeSet::from([lite.inode])).unwrap();
    assert!(holders[&lite.inode].pids.contains(&child.pid()), "{holders:?}");
}

#[test]
fn a_file_registered_with_a_ring_is_held() {
    if !tool("python3") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // io_uring_setup(2) and io_uring_register(2) with IORING_REGISTER_FILES.
    let script = "ring=libc.syscall(425,4,ctypes.create_string_buffer(120))\n\
                  if ring<0: sys.exit(7)\n\
                  libc.syscall(427,ring,2,ctypes.byref(ctypes.c_int(0)),1)\n\
                  os.dup2(os.open('/dev/null',0),0)\nwait()";
    let Some(child) = keeper(&listener, script) else {
        return crate::live_support::skip("needs io_uring");
    };
    let found = Live::new().holders(&BTreeSet::from([inode(&listener)])).unwrap();
    assert!(found[&inode(&listener)].pids.contains(&child.pid()), "{found:?}");
}

#[test]
fn a_socket_that_is_on_its_way_may_have_holders_that_are_not_seen() {
    if !tool("python3") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let script = "a,b=socket.socketpair()\nsocket.send_fds(a,[b'x'],[0])\n\
                  os.dup2(os.open('/dev/null',0),0)\nwait()";
    let _child = keeper(&listener, script).unwrap();
    let found = Live::new().holders(&BTreeSet::from([inode(&listener)])).unwrap();
    let holders = &found[&inode(&listener)];
    assert!(holders.pids.contains(&std::process::id()));
    // Descriptors of others may not be read, which is told first; some hosts guard their init even from root.
    let unseen = holders.unseen.clone().unwrap().to_string();
    assert!(unseen.contains("wait to be taken") || unseen.contains("/fd"), "{unseen}");
}

#[test]
fn holders_that_cannot_be_seen_are_not_denied() {
    if let Some(wanted) = again() {
        let wanted: u32 = wanted.parse().unwrap();
        let found = Live::new().holders(&BTreeSet::from([wanted])).unwrap();
        assert!(found[&wanted].pids.is_empty());
        let unseen = found[&wanted].unseen.clone().unwrap();
        assert!(unseen.needs_root(), "{unseen}");
        assert!(unseen.to_string().contains("/fd"), "{unseen}");
        // The socket itself is there for everybody to see.
        assert_eq!(with_inode(wanted).len(), 1);
        return;
    }
    if !root() || !tool("setpriv") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = inode(&listener).to_string();
    run_again("holders_that_cannot_be_seen_are_not_denied", &AS_NOBODY, &wanted);
}
