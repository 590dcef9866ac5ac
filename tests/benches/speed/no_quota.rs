//! No quota at all: what the tool itself costs, beside a bare loop of the same SDK calls without a ledger.

use crate::child;
use crate::constant::Constant;
use crate::options::Options;
use crate::table::{self, median};
use crate::tool::{self, UNPACED, measured};
use crate::usage::Usage;

pub(crate) fn run(options: &Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    tool::write_rows(path, options.rows);
    let endpoint = Constant::start(path, options.own_endpoint);
    let (port, rows) = (endpoint.port.to_string(), options.rows.to_string());

    let (mut tool, mut bare) = (Vec::new(), Vec::new());
    // In turns, and the first round does not count.
    for round in 0..=options.rounds {
        tool::forget(path);
        let of_tool = measured(tool::run(path, endpoint.port, &UNPACED), &[0]);
        let of_bare = measured(child::role("bare", &[&port, &rows]), &[0]);
        if round > 0 {
            tool.push(of_tool);
            bare.push(of_bare);
        }
    }
    let case = format!("{rows} rows, {}", endpoint.name);
    let rows = options.rows as f64;
    let speed =
        |usages: &[Usage]| rows / median(usages.iter().map(|usage| usage.wall.as_secs_f64()).collect());
    let cost = |usages: &[Usage]| {
        let cpu: Option<Vec<f64>> = usages.iter().map(|usage| usage.cpu).collect();
        cpu.map(|cpu| median(cpu) * 1000.0 / rows)
    };
    let (tool_speed, bare_speed) = (speed(&tool), speed(&bare));
    let (tool_cost, bare_cost) = (cost(&tool), cost(&bare));
    let shown = |cost: Option<f64>| cost.map_or_else(|| "unknown".to_owned(), |cost| format!("{cost:.3}"));
    let ratio = tool_cost.zip(bare_cost).map(|(tool, bare)| format!("{:.2} x bare", tool / bare));
    table::rows(
        "no-quota",
        &case,
        [
            ("rows/s, bare SDK calls".into(), format!("{bare_speed:.0}"), "1".into()),
            (
                "rows/s, run with a durable ledger".into(),
                format!("{tool_speed:.0}"),
                format!("{:.2} x bare", tool_speed / bare_speed),
            ),
            ("CPU s per 1000 rows, bare SDK calls".into(), shown(bare_cost), "1".into()),
            ("CPU s per 1000 rows, run".into(), shown(tool_cost), ratio.unwrap_or_default()),
        ],
    );
}
