//! The HTML report in Chromium, from the environment variable CHROMIUM or from PATH.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::*;

fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// The browser; without one the test is skipped, or fails in the gate.
fn chromium_or_skip() -> Option<PathBuf> {
    let found = chromium();
    if found.is_none() {
        skip_outside_of_the_gate("a test needs Chromium, named by the variable CHROMIUM or on the path");
    }
    found
}

/// Opens a page in headless mode, and returns standard output and standard error of the browser.
fn browse(chromium: &Path, folder: &Folder, page: &Path, more: &[&str]) -> (String, String) {
    let user = tempfile::tempdir().unwrap();
    let mut command = Command::new(chromium);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    // No name resolves, so a page that loads anything from the network logs an error.
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"]);
    command.arg(format!("--user-data-dir={}", user.path().display())).args(more).arg(page);
    let (stdout, stderr) = (folder.path("browser.out"), folder.path("browser.err"));
    let file = |path| Stdio::from(std::fs::File::create(path).unwrap());
    let mut browser = Running::of(command.stdin(Stdio::null()).stdout(file(&stdout)).stderr(file(&stderr)));
    until("the browser exits", || browser.is_over());
    let read = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    (read(&stdout), read(&stderr))
}

/// First pixel of a PNG with 8 bits per channel, and the number of distinct bytes in it, which is low for a blank page.
fn first_pixel(png: &[u8]) -> ([u8; 3], usize) {
    let (mut data, mut rest) = (Vec::new(), &png[8..]);
    while rest.len() > 12 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        if &rest[4..8] == b"IDAT" {
            data.extend_from_slice(&rest[8..8 + length]);
        }
        rest = &rest[length + 12..];
    }
    let mut pixels = Vec::new();
    flate2::read::ZlibDecoder::new(&data[..]).read_to_end(&mut pixels).unwrap();
    let distinct = pixels.iter().collect::<std::collections::BTreeSet<_>>().len();
    // Byte 0 is the filter type of the scanline. No filter changes the first pixel of the first scanline.
    ([pixels[1], pixels[2], pixels[3]], distinct)
}

#[test]
fn the_page_follows_the_colour_scheme_and_prints_on_a4() {
    let Some(chromium) = chromium_or_skip() else { return };
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", format!("{}K999,{}\n", numbered_csv(300), "x".repeat(1025)));
    folder.run(&import(&url, &[])).expect(1);
    folder.run(&["report", "--ledger", "t.ledger.db", "--to", "page.html"]).expect(0);
    let page = folder.path("page.html");
    for (scheme, background) in [("0", [0x14, 0x18, 0x1D]), ("1", [0xFF, 0xFF, 0xFF])] {
        let shot = folder.path("page.png");
        let screenshot = format!("--screenshot={}", shot.display());
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        let (_, log) = browse(&chromium, &folder, &page, &[&screenshot, &scheme, "--window-size=1000,1600"]);
        assert!(!log.contains("CONSOLE"), "{log}");
        let (pixel, distinct) = first_pixel(&std::fs::read(&shot).unwrap());
        assert_eq!(pixel, background);
        assert!(distinct > 32, "a blank page, with {distinct} distinct bytes");
    }
    let (dom, _) = browse(&chromium, &folder, &page, &["--dump-dom"]);
    for part in ["300 of 301 rows imported", "<svg ", "Latency</h3>", "</footer>"] {
        assert!(dom.contains(part), "{part:?} is not in {dom}");
    }
    let print = format!("--print-to-pdf={}", folder.path("page.pdf").display());
    browse(&chromium, &folder, &page, &[&print, "--no-pdf-header-footer"]);
    let pdf = std::fs::read(folder.path("page.pdf")).unwrap();
    let pdf = String::from_utf8_lossy(&pdf);
    let boxes: Vec<&str> =
        pdf.split("/MediaBox [0 0 ").skip(1).filter_map(|rest| rest.split(']').next()).collect();
    assert!(!boxes.is_empty());
    for page in boxes {
        let sides: Vec<f64> = page.split(' ').map(|side| side.parse().unwrap()).collect();
        // A4, 210 × 297 mm, in points.
        assert!((sides[0] - 595.28).abs() < 1.0 && (sides[1] - 841.89).abs() < 1.0, "{page}");
    }
}

/// A page that shows another in a frame of this width, and lists what is out of sight in it or too small to be read. No
/// window of a browser is as narrow as a phone.
fn measured(page: &str, width: u32) -> String {
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    format!(
        r#"<!DOCTYPE html><body style="margin:0"><iframe id="page" style="border:0;width:{width}px;height:2000px"
        srcdoc="{escaped}"></iframe><pre id="found"></pre><script>
        document.getElementById('page').onload = function () {{
          var root = this.contentDocument.documentElement, found = ['width ' + root.clientWidth];
          if (root.scrollWidth > root.clientWidth) found.push('the page scrolls: ' + root.scrollWidth);
          root.querySelectorAll('body *').forEach(function (part) {{
            var box = part.getBoundingClientRect(), name = part.tagName + ' ' + part.textContent.trim().slice(0, 40);
            if (box.width === 0 || part.closest('thead')) return;
            if (part.tagName === 'svg' && box.width < 0.9 * part.viewBox.baseVal.width) found.push('small ' + name);
            if (part.closest('svg') && part.tagName !== 'svg') return;
            if (box.right > root.clientWidth + 1 || box.left < -1) found.push('outside ' + name);
            if (part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0) found.push('cut ' + name);
          }});
          document.getElementById('found').textContent = found.join('\n');
        }};</script>"#
    )
}

#[test]
fn nothing_is_out_of_sight_on_a_phone_and_on_a_wide_screen() {
    let Some(chromium) = chromium_or_skip() else { return };
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let csv = "Export of the helpdesk of all departments for the years 2019 to 2026, final version (2).csv";
    folder.write(csv, format!("{}K999,{}\nK1,again\n", numbered_csv(30), "x".repeat(1025)));
    folder.run(&import_file(csv, &url, &["--name", "Tickets of the helpdesk"])).expect(1);
    let unknown = "may_exist = 1, contact_id = NULL, contact_arn = NULL, code = 'NoAnswer', record = '[]', doubt_ms = 0";
    folder.execute(
        "t.ledger.db",
        &format!(
            "UPDATE identity SET instance_id = '11111111-2222-3333-4444-555555555555';
             UPDATE runs SET endpoint = 'connect.eu-west-2.amazonaws.com', account = '123456789012',
                 caller = 'arn:aws:sts::123456789012:assumed-role/RoleWithALongName-ABCDEFGHIJKLM/person@example.com';
             UPDATE rows SET state = 'unknown', {unknown} WHERE id < 9;
             UPDATE rows SET key = 'a-key-without-a-space-0123456789-0123456789-0123456789-0123456789' WHERE id = 3;
             UPDATE rows SET state = 'withdrawn', contact_id = NULL, contact_arn = NULL, record = '[]' WHERE id = 9;
             UPDATE minutes SET throttled = 9, unanswered = 3; UPDATE source_scans SET passed_over = 2, other_shards = 4"
        ),
    );
    folder.run(&["report", "--ledger", "t.ledger.db", "--to", "page.html"]).expect(0);
    let mut page = folder.read("page.html");
    // Millions of rows of every kind.
    for label in
        ["Rows in file", "Contacts", "Rejected", "Duplicates", "Unknown", "Waiting", "Rows read", "Attempts"]
    {
        let cell = format!("data-label=\"{label}\">");
        assert!(page.contains(&cell), "{label}");
        page = page.replace(&cell, &format!("{cell}10,000,00"));
    }
    page = page.replace("<dd><b>", "<dd><b>10,000,0");
    for width in [400, 768, 1024, 1200] {
        let measured = folder.write("measured.html", measured(&page, width));
        let window = ["--window-size=1300,2100", "--dump-dom", "--virtual-time-budget=5000"];
        let (dom, _) = browse(&chromium, &folder, &measured, &window);
        let found = dom.split_once("<pre id=\"found\">").unwrap().1.split_once("</pre>").unwrap().0;
        assert_eq!(found, format!("width {width}"));
    }
}
