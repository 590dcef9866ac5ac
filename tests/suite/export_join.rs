//! `export --join` for rows without a unique key, and for a CSV that this tool wrote.

use crate::export::{cells, columns, export, imported};
use crate::support::*;

#[test]
fn identical_rows_without_a_key_get_one_contact_each() {
    let (folder, sandbox) = imported("Name,Description\na,x\nb,\na,x\na,x\nshort\n", &[]);
    assert_eq!(sandbox.stat("contacts"), 4);
    let contacts = columns(&folder.run(&export(&["--state", "created"])).expect(0).stdout, &["contact_id"]);
    // The order of columns does not matter. The ledger has three rows `a,x`, so the fourth gets no contact.
    folder.write("u.csv", "Description,Name\nx,a\nx,a\n,c\nx,a\nx,a\n,b\n");
    let joined = folder.run(&export(&["--join", "u.csv"])).expect(0).stdout;
    let [a1, b, a2, a3] = &contacts[..] else { panic!("{contacts:?}") };
    assert_eq!(columns(&joined, &["_contact_id"]), [a1, a2, "", a3, "", b]);
    // A ragged row is found too.
    let joined = folder.run(&export(&["--join", "t.csv", "--state", "rejected"])).expect(0).stdout;
    assert_eq!(columns(&joined, &["Name", "Description", "_code"]), ["short||RaggedRow"]);
}

/// These columns of `export --join` for a CSV, one string per row.
fn joined(folder: &Folder, csv: &str, names: &[&str]) -> Vec<String> {
    columns(&folder.run(&export(&["--join", csv])).expect(0).stdout, names)
}

const REJECTS: &str = "t.ledger.db.rejects.csv";

#[test]
fn a_rejected_row_never_gets_the_contact_of_another_row() {
    // Row 3 has a cell too many, row 4 one too few, rows 5 and 6 the key of row 2.
    let long = "c".repeat(1025);
    let csv = format!("id,Name,Description\nA,a,1\nB,b,2\nA,c,3,4\nB,d\nB,e,5\nB,f,6\nC,{long},7\n");
    let (folder, sandbox) = imported(&csv, &["--key", "id"]);
    assert_eq!(sandbox.stat("contacts"), 2);
    let names = ["id", "Description", "_state", "_contact_id", "_code"];
    let expected = [
        "A|3,4|rejected||RaggedRow",
        "B||rejected||RaggedRow",
        "B|5|rejected||DuplicateKey",
        "B|6|rejected||DuplicateKey",
        "C|7|rejected||Validation",
    ];
    assert_eq!(joined(&folder, REJECTS, &names), expected);
    // All but the first duplicate get keys of their own in the rejects file, which is then imported.
    let corrected = folder.read(REJECTS);
    let corrected =
        corrected.replace("A,c", "D,c").replace("B,d", "E,d").replace("B,f", "F,f").replace(&long, "c");
    folder.write(REJECTS, corrected.replace("RaggedRow", ""));
    let url = sandbox.url();
    let run = ["run", REJECTS, "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url];
    folder.run(&[&run[..], &["--rate", "1000"]].concat()).expect(1);
    assert_eq!(sandbox.stat("contacts"), 6);
    let states = joined(&folder, REJECTS, &["id", "_state"]);
    assert_eq!(states, ["D|created", "E|created", "B|rejected", "F|created", "C|created"]);
    let mut contacts = joined(&folder, REJECTS, &["_contact_id"]);
    contacts.sort();
    contacts.dedup();
    assert_eq!(contacts.len(), 5, "four contacts and none");
}

#[test]
fn identical_rows_of_the_rejects_file_are_those_that_were_not_created() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|number, _| if number < 2 { Reply::Created } else { Reply::Close });
    folder.write("t.csv", format!("Name,Description\n{}", "x,1\n".repeat(5)));
    let url = endpoint.url();
    let run =
        ["run", "t.csv", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url, "--rate", "1000"];
    let hold = ["--concurrency", "1", "--max-attempts", "1", "--on-unknown", "hold"];
    folder.run(&[&run[..], &hold].concat()).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 2, unknown 3");
    assert_eq!(joined(&folder, REJECTS, &["_state", "_contact_id"]), ["unknown|"; 3]);
    assert_eq!(joined(&folder, "t.csv", &["_state"]).join(" "), "created created unknown unknown unknown");
}

#[test]
fn columns_of_an_earlier_join_are_replaced_and_a_column_of_the_csv_with_such_a_name_is_refused() {
    // Without a key all cells are the key, except those that an earlier join added.
    let (folder, _sandbox) = imported("Name,Description\na,1\nb,2\n", &[]);
    let once = folder.run(&export(&["--join", "t.csv"])).expect(0).stdout;
    folder.write("once.csv", once.replace(",created,", ",pending,"));
    assert_eq!(folder.run(&export(&["--join", "once.csv"])).expect(0).stdout, once);
    assert_eq!(cells(&once)[0].len(), 7);
    folder.write("own.csv", "Name,Description,_state\na,1,NY\n");
    let clash = folder.run(&export(&["--join", "own.csv"])).expect(2);
    assert!(clash.stderr.contains("own.csv has a column '_state'"), "{}", clash.stderr);
    assert_eq!(clash.stdout, "");
    let separate = folder.run(&export(&["--join", "own.csv", "--output", "json"])).expect(0).stdout;
    assert!(separate.contains("\"_state\":\"NY\"") && separate.contains("\"_state\":null"), "{separate}");
}

#[test]
fn the_furthest_state_of_several_ledgers_counts_in_any_order() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let into = |ledger: &str, reply: Reply, code: i32| {
        let endpoint = Endpoint::start(move |_, _| reply.clone());
        let more = ["--ledger", ledger, "--max-attempts", "1", "--on-unknown", "hold"];
        folder.run(&import(&endpoint.url(), &more)).expect(code);
    };
    into("rejected.db", Reply::Error(400, "InvalidParameterException"), 1);
    into("failed.db", Reply::Error(409, "ConflictException"), 1);
    into("doubt.db", Reply::Close, 1);
    folder.execute("doubt.db", "UPDATE rows SET state = 'pending', code = NULL, message = NULL");
    into("unknown.db", Reply::Close, 1);
    into("created.db", Reply::Created, 0);
    let ledgers = ["rejected", "failed", "doubt", "unknown", "created"];
    let states = ["rejected", "failed", "pending", "unknown", "created"];
    for (less, more) in (0..4).map(|less| (less, less + 1)) {
        for order in [[less, more], [more, less]] {
            let [one, other] = order.map(|nth| format!("{}.db", ledgers[nth]));
            let join = ["export", "--ledger", &one, "--ledger", &other, "--join", "t.csv"];
            let joined = folder.run(&join).expect(0).stdout;
            assert_eq!(columns(&joined, &["_state"]), [states[more]], "{one}, {other}");
        }
    }
}
