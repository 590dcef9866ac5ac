//! `export --join` where a row is not known by its key alone, or the CSV has been through this tool before.

use crate::exporting::{cells, columns, export, imported};
use crate::support::*;

#[test]
fn identical_rows_without_a_key_find_a_contact_each() {
    let (folder, sandbox) = imported("Name,Description\na,x\nb,\na,x\na,x\nshort\n", &[]);
    assert_eq!(sandbox.stat("contacts"), 4);
    let contacts = columns(&folder.run(&export(&["--state", "created"])).expect(0).stdout, &["contact_id"]);
    // Moved columns make no difference; the fourth of three is nobody's.
    folder.write("u.csv", "Description,Name\nx,a\nx,a\n,c\nx,a\nx,a\n,b\n");
    let joined = folder.run(&export(&["--join", "u.csv"])).expect(0).stdout;
    let [a1, b, a2, a3] = &contacts[..] else { panic!("{contacts:?}") };
    assert_eq!(columns(&joined, &["_contact_id"]), [a1, a2, "", a3, "", b]);
    // A ragged row is known too.
    let joined = folder.run(&export(&["--join", "t.csv", "--state", "rejected"])).expect(0).stdout;
    assert_eq!(columns(&joined, &["Name", "Description", "_code"]), ["short||RaggedRow"]);
}

/// The rows of a CSV with what the ledger knows of each: the columns of it, the state and the contact.
fn joined(folder: &Folder, csv: &str, names: &[&str]) -> Vec<String> {
    columns(&folder.run(&export(&["--join", csv])).expect(0).stdout, names)
}

const REJECTS: &str = "t.ledger.db.rejects.csv";

#[test]
fn a_row_that_was_rejected_never_gets_the_contact_of_another() {
    // The third has a cell too many, the fourth one too few, the fifth and the sixth the key of the second.
    let long = "c".repeat(1025);
    let csv = format!("id,Name,Description\nA,a,1\nB,b,2\nA,c,3,4\nB,d\nB,e,5\nB,f,6\nC,{long},7\n");
    let (folder, sandbox) = imported(&csv, &["--key", "id"]);
    assert_eq!(sandbox.stat("contacts"), 2);
    let names = ["id", "Description", "_state", "_contact_id", "_code"];
    let all = [
        "A|3,4|rejected||RaggedRow",
        "B||rejected||RaggedRow",
        "B|5|rejected||DuplicateKey",
        "B|6|rejected||DuplicateKey",
        "C|7|rejected||Validation",
    ];
    assert_eq!(joined(&folder, REJECTS, &names), all);
    // Mended, under keys of their own, and imported from the rejects file itself; the first duplicate stays one.
    let mended = folder.read(REJECTS);
    let mended = mended.replace("A,c", "D,c").replace("B,d", "E,d").replace("B,f", "F,f").replace(&long, "c");
    folder.write(REJECTS, mended.replace("RaggedRow", ""));
    let url = sandbox.url();
    let run = ["run", REJECTS, "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url];
    folder.run(&[&run[..], &["--rate", "1000"]].concat()).expect(0);
    assert_eq!(sandbox.stat("contacts"), 6);
    let states = joined(&folder, REJECTS, &["id", "_state"]);
    assert_eq!(states, ["D|created", "E|created", "B|rejected", "F|created", "C|created"]);
    let mut contacts = joined(&folder, REJECTS, &["_contact_id"]);
    contacts.sort();
    contacts.dedup();
    assert_eq!(contacts.len(), 5, "four contacts and none");
}

#[test]
fn equal_rows_without_a_key_that_were_not_created_are_those_of_the_rejects_file() {
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
fn the_columns_of_an_earlier_join_come_anew_and_columns_of_ones_own_are_not_doubled() {
    // Without a key the whole row is the key, and what a join added is no part of the row.
    let (folder, _sandbox) = imported("Name,Description\na,1\nb,2\n", &[]);
    let once = folder.run(&export(&["--join", "t.csv"])).expect(0).stdout;
    folder.write("once.csv", once.replace(",created,", ",pending,"));
    assert_eq!(folder.run(&export(&["--join", "once.csv"])).expect(0).stdout, once);
    assert_eq!(cells(&once)[0].len(), 7);
    folder.write("own.csv", "Name,Description,_state\na,1,NY\n");
    let clash = folder.run(&export(&["--join", "own.csv"])).expect(2);
    assert!(clash.stderr.contains("own.csv has a column '_state'"), "{}", clash.stderr);
    assert_eq!(clash.stdout, "");
    let apart = folder.run(&export(&["--join", "own.csv", "--format", "jsonl"])).expect(0).stdout;
    assert!(apart.contains("\"_state\":\"NY\"") && apart.contains("\"_state\":null"), "{apart}");
}

#[test]
fn of_several_ledgers_the_one_counts_in_which_most_has_come_of_a_row_in_any_order() {
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
