//! Request skeletons whose enumerations the AWS CLI drew at random.

use crate::support::*;

/// A skeleton as the AWS CLI writes it, with a Name filled in and these enumerations.
fn skeleton(channel: &str, method: &str, state: &str) -> String {
    format!(
        "{{\n    \"InstanceId\": \"\",\n    \"ClientToken\": \"\",\n    \"References\": {{\"KeyName\": {{\"Value\": \"\", \
         \"Type\": \"CONTACT_ANALYSIS\", \"Status\": \"DELETED\"}}}},\n    \"Channel\": \"{channel}\",\n    \
         \"InitiationMethod\": \"{method}\",\n    \"ExpiryDurationInMinutes\": 0,\n    \"InitiateAs\": \"{state}\",\n    \
         \"Name\": \"{{{{ name }}}}\"\n}}\n"
    )
}

#[test]
fn a_drawn_enumeration_that_is_refused_is_named_with_its_line_and_the_value_to_write() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,a\n");
    folder.write("job.toml", "request = \"skeleton.json\"\n");
    for (values, line, problem, write) in [
        (["CHAT", "API", "COMPLETED"], 5, "Channel is 'CHAT'", "TASK"),
        (["TASK", "WEBRTC_API", "COMPLETED"], 6, "InitiationMethod is 'WEBRTC_API'", "API"),
        (["TASK", "TRANSFER", "COMPLETED"], 6, "InitiationMethod is 'TRANSFER'", "API"),
        (["VOICE", "TRANSFER", "COMPLETED"], 8, "InitiateAs is 'COMPLETED'", "CONNECTED_TO_USER"),
    ] {
        folder.write("skeleton.json", skeleton(values[0], values[1], values[2]));
        for job in ["job.toml", "skeleton.json"] {
            for command in
                [&["check", "t.csv", "--job", job][..], &["run", "t.csv", "--sandbox", "--job", job]]
            {
                let said = folder.run(command).expect(2).stderr;
                assert!(said.contains(&format!("skeleton.json, line {line}: {problem}")), "{said}");
                let end = format!(
                    "the AWS CLI draws the enumerations of a skeleton at random: write \"{write}\"\n"
                );
                assert!(said.ends_with(&end), "{said}");
            }
        }
    }
    folder.write("skeleton.json", skeleton("TASK", "API", "COMPLETED"));
    folder.run(&["check", "t.csv", "--job", "job.toml"]).expect(0);
}
