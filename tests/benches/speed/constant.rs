//! An endpoint that answers every request the same, as cheaply as it can: nginx, or this program.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::child::{self, Guarded};
use crate::http::{Connection, created, created_body};

const NGINX: &str = "/usr/sbin/nginx";

/// A running one.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) port: u16,
    pub(crate) name: &'static str,
    _process: Guarded,
}

impl Constant {
    /// nginx where it is, unless this program is asked for. The folder is for nginx's files.
    pub(crate) fn start(folder: &Path, own: bool) -> Constant {
        if !own && Path::new(NGINX).exists() {
            return nginx(folder);
        }
        let (process, port) = child::serving(child::role("constant", &[]));
        Constant { port, name: "own endpoint", _process: process }
    }
}

fn nginx(folder: &Path) -> Constant {
    // Nothing tells nginx's own choice of a port, so it is given one that was free just now.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("a free port").port();
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 1h; tcp_nodelay on;\n\
         client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;\n\
         scgi_temp_path scgi; default_type application/json;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{}'; }} }} }}\n",
        created_body()
    );
    std::fs::write(folder.join("nginx.conf"), text).expect("nginx's configuration is written");
    let mut command = Command::new(NGINX);
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]).stdout(Stdio::null());
    let process = Guarded(command.spawn().expect("nginx starts"));
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Constant { port, name: "nginx", _process: process }
}

/// Serves until it is killed.
pub(crate) fn role() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("its address").port());
    serve(listener, || {});
}

/// Serves on a thread that has nothing else to do; tells of every request once it is read. One thread, as
/// nginx has, so that both leave the same room to the client.
pub(crate) fn serve(listener: TcpListener, told: impl Fn() + Send + Sync + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let told = Arc::new(told);
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("the listener is asynchronous");
        let listener = tokio::net::TcpListener::from_std(listener).expect("the listener listens");
        while let Ok((stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let answer = created();
                let mut connection = Connection::new(stream);
                while connection.request().await.is_some() {
                    told();
                    if connection.answer(&answer).await.is_none() {
                        break;
                    }
                }
            });
        }
    });
}
