//! The endpoints that the clients send to: the tool's sandbox, a quota that changes, and a constant response.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::http::{Connection, created, created_body};
use crate::process::{self, ChildGuard};
use crate::tool;

const NGINX: &str = "/usr/sbin/nginx";

/// A throttling quota, as Connect's are described.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Requests.
    pub(crate) burst: u32,
}

/// Connect's default, the default of its other operations, and two that support may grant.
pub(crate) const QUOTAS: [Quota; 4] = [
    Quota { rate: 2.0, burst: 5 },
    Quota { rate: 10.0, burst: 15 },
    Quota { rate: 50.0, burst: 50 },
    Quota { rate: 200.0, burst: 200 },
];

impl Quota {
    /// The name in the table.
    pub(crate) fn name(self) -> String {
        format!("{}/s, burst {}", self.rate, self.burst)
    }

    fn halved(self) -> Quota {
        Quota { rate: self.rate / 2.0, burst: self.burst.div_ceil(2) }
    }
}

/// Starts the tool's sandbox without contacts. The folder is for its port file.
pub(crate) fn start_sandbox(folder: &Path, quota: Quota) -> (ChildGuard, u16) {
    let (rate, burst) = (quota.rate.to_string(), quota.burst.to_string());
    let arguments = ["sandbox", "--rate", &rate, "--burst", &burst, "--latency", "40ms", "--jitter", "0.3"];
    let mut command = tool::command(folder, &arguments);
    command.args(["--port-file", "port"]).stderr(Stdio::null());
    let process = ChildGuard(command.spawn().expect("the sandbox starts"));
    let port = process::port_in(&folder.join("port"));
    (process, port)
}

/// Starts a server whose quota, if it `changes`, is halved after `phase` seconds and restored after another
/// `phase`.
pub(crate) fn start_quota_server(quota: Quota, changes: bool, phase: usize) -> (ChildGuard, u16) {
    let half = quota.halved();
    let change = |at: usize, quota: Quota| format!("{at}:{}:{}", quota.rate, quota.burst);
    let mut schedule = vec![change(0, quota)];
    if changes {
        schedule.extend([change(phase, half), change(2 * phase, quota)]);
    }
    // It is killed long before.
    let lifetime = (3 * phase + 300).to_string();
    let mut arguments = vec!["40", "0.3", &lifetime];
    arguments.extend(schedule.iter().map(String::as_str));
    process::start_server(process::role("quota", &arguments))
}

/// An endpoint with one response for every request, at the lowest cost: nginx, or this program.
#[derive(Debug)]
pub(crate) struct ConstantEndpoint {
    pub(crate) port: u16,
    pub(crate) name: &'static str,
    _process: ChildGuard,
}

impl ConstantEndpoint {
    /// Starts nginx if it is installed, unless `own` asks for this program. The folder is for nginx's files.
    pub(crate) fn start(folder: &Path, own: bool) -> ConstantEndpoint {
        if !own && Path::new(NGINX).exists() {
            return start_nginx(folder);
        }
        let (process, port) = process::start_server(process::role("constant", &[]));
        ConstantEndpoint { port, name: "own endpoint", _process: process }
    }
}

fn start_nginx(folder: &Path) -> ConstantEndpoint {
    // nginx does not report a port that it chooses itself, so it gets one that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("a free port").port();
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 1h; tcp_nodelay on;\n\
         client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi; default_type application/json;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{}'; }} }} }}\n",
        // A random id of 32 hexadecimal digits for each request.
        created_body("$request_id")
    );
    std::fs::write(folder.join("nginx.conf"), text).expect("nginx's configuration is written");
    let mut command = Command::new(NGINX);
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]).stdout(Stdio::null());
    let process = ChildGuard(command.spawn().expect("nginx starts"));
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    ConstantEndpoint { port, name: "nginx", _process: process }
}

/// The role `constant`: serves until it is killed.
pub(crate) fn serve_constant_role() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("its address").port());
    serve_constant(listener, || {});
}

/// Serves the constant response and calls `on_request` for every request that was read. It uses one thread,
/// as nginx does, so that both leave as much CPU to the client.
pub(crate) fn serve_constant(listener: TcpListener, on_request: impl Fn() + Send + Sync + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let on_request = Arc::new(on_request);
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("the listener is asynchronous");
        let listener = tokio::net::TcpListener::from_std(listener).expect("the listener listens");
        while let Ok((stream, _)) = listener.accept().await {
            let on_request = on_request.clone();
            tokio::spawn(async move {
                let mut connection = Connection::new(stream);
                while connection.request().await.is_some() {
                    on_request();
                    if connection.respond(&created()).await.is_none() {
                        break;
                    }
                }
            });
        }
    });
}
