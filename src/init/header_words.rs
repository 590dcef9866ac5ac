//! Splits headers into words, and compares them with lists of known words.

use deunicode::deunicode;

/// Names for the kind of record that a row is.
pub(super) const RECORDS: &str = "\
    ticket, case, issue, task, incident, request, conversation, interaction, complaint, inquiry, enquiry, \
    record, fall, vorgang, vorgangs, anfrage, aufgabe, aufgaben, caso, tarea, incidencia, incidente, \
    solicitud, demande, requete, tache, chamado, solicitacao, ocorrencia, richiesta, segnalazione, arende, \
    zaak, sag, sak, заявки, チケット, 案件, 受付, 管理, 問い合わせ, お問い合わせ, 工单, 工單";

/// Words for an identifier.
pub(super) const IDENTIFIERS: &str = "\
    id, key, number, no, num, nr, ref, reference, uuid, guid, identifier, nummer, kennung, referenz, \
    referenznummer, schlussel, numero, cle, clave, chave, chiave, referencia, numer, riferimento, codigo, \
    номер, 番号, 编号, 編號, 번호";

/// Words for things that are not rows, or that several rows share: people and their addresses, types and
/// states, related rows, products, places.
pub(super) const OTHERS: &str = "\
    customer, client, contact, caller, user, agent, owner, assignee, assigned, requester, requestor, \
    requested, submitter, opener, reporter, creator, created, author, person, employee, member, account, \
    org, organization, organisation, company, business, department, vendor, supplier, group, team, queue, \
    email, mail, address, phone, telephone, tel, mobile, fax, zip, postal, house, street, city, country, \
    site, store, branch, location, ip, domain, url, bank, tax, vat, parent, master, related, linked, \
    duplicate, merged, previous, next, initial, root, epic, problem, type, status, state, priority, \
    severity, category, reason, source, channel, brand, form, tag, label, queue, policy, sla, rating, \
    survey, stage, pipeline, serial, version, build, product, asset, device, session, thread, comment, \
    attachment, line, row, room, project, campaign, kunde, kunden, benutzer, konto, konten, telefon, \
    handy, mobil, haus, zeilen, artikel, produkt, typ, art, kontakt, melder, bearbeiter, cliente, usuario, \
    telefono, linea, correo, contacto, tipo, estado, utilisateur, statut, telefone, klant, klanten, 電話, \
    郵便, 顧客, 会員";

/// Endings that form one word with any noun before them.
const SUFFIXES: &str = "nummer, nr, schlussel, 番号, 编号, 編號, 번호";

/// The items of a comma-separated list, which may be empty.
pub(super) fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Whether the list has exactly this word.
pub(super) fn is_listed(word: &str, list: &str) -> bool {
    listed(list).any(|item| item == word)
}

/// Lower-case words without accents; `TicketID` is `ticket id`, `Ticket #` is `ticket number`, and
/// `Ticketnummer` is `ticket nummer`.
pub(super) fn words(header: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut characters = header.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(c) = characters.next() {
        let lower_follows = characters.peek().is_some_and(|next| next.is_lowercase());
        // The French `N°`, with a degree sign.
        if c == '°' && word.eq_ignore_ascii_case("n") {
            word.push('o');
        }
        let is_hump = c.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || (before.is_uppercase() && lower_follows));
        if is_hump || !c.is_alphanumeric() {
            finish(&mut word, &mut words);
        }
        if c == '#' || c == '№' {
            words.push("number".to_owned());
        } else if c.is_alphanumeric() {
            word.push(c);
        }
        before = Some(c);
    }
    finish(&mut word, &mut words);
    words
}

fn finish(word: &mut String, words: &mut Vec<String>) {
    let is_latin = word.chars().all(|c| c < '\u{250}');
    let plain = if is_latin { deunicode(word).to_lowercase() } else { word.to_lowercase() };
    word.clear();
    let split = listed(SUFFIXES).find_map(|suffix| {
        let stem = plain.strip_suffix(suffix)?;
        (!stem.is_empty()).then(|| [stem.to_owned(), suffix.to_owned()])
    });
    match split.or_else(|| run_on(&plain)) {
        Some(parts) => words.extend(parts),
        None if plain.is_empty() => {}
        None => words.push(plain),
    }
}

/// `ticketid` as `ticket` and `id`.
fn run_on(word: &str) -> Option<[String; 2]> {
    listed(IDENTIFIERS).find_map(|identifier| {
        let noun = word.strip_suffix(identifier)?;
        let is_noun = is_listed(noun, RECORDS) || is_listed(noun, OTHERS);
        is_noun.then(|| [noun.to_owned(), identifier.to_owned()])
    })
}

/// The index of the first of `phrases` that is the header: alone, after a word for a record (`ticket
/// subject`), or as the end of a Chinese or Japanese word.
pub(super) fn rank(words: &[String], phrases: &str) -> Option<usize> {
    // Of columns that share a header, the first is named `Comment (1)`.
    let words = match words {
        [rest @ .., last] if last == "1" && !rest.is_empty() => rest,
        _ => words,
    };
    let all = words.join(" ");
    let is_before_a_text = |word: &str| word == "email" || is_listed(word, RECORDS);
    let after_record =
        words.split_first().filter(|(first, _)| is_before_a_text(first)).map(|(_, rest)| rest.join(" "));
    listed(phrases).position(|phrase| {
        let runs_on = phrase.starts_with(|c| c >= '\u{2e80}');
        all == phrase || after_record.as_deref() == Some(phrase) || (runs_on && all.ends_with(phrase))
    })
}

/// The place of a header that is exactly one of `known`, or behind them its [`rank`] among `phrases`.
pub(super) fn rank_after(words: &[String], known: &str, phrases: &str) -> Option<(bool, usize)> {
    let header = words.join(" ");
    let place = listed(known).position(|phrase| phrase == header).map(|place| (false, place));
    place.or_else(|| Some((true, rank(words, phrases)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_split_into_words() {
        for (header, expected) in [
            ("Ticket ID", "ticket id"),
            ("ticketID", "ticket id"),
            ("IDNumber", "id number"),
            ("Ticket #", "ticket number"),
            ("Ticketnummer", "ticket nummer"),
            ("Vorgangsschlüssel", "vorgangs schlussel"),
            ("Numéro de ticket", "numero de ticket"),
            ("N° de ticket", "no de ticket"),
            ("n°dossier", "no dossier"),
            ("25°", "25"),
            ("created_at", "created at"),
            ("ticketid", "ticket id"),
            ("emailid", "email id"),
            ("caseno", "case no"),
            ("paid", "paid"),
            ("チケット番号", "チケット 番号"),
        ] {
            assert_eq!(words(header).join(" "), expected);
        }
    }

    #[test]
    fn a_phrase_is_the_whole_header_but_for_the_word_for_a_record() {
        let phrases = "subject, name, 内容";
        assert_eq!(rank(&words("Ticket Subject"), phrases), Some(0));
        assert_eq!(rank(&words("Subject (1)"), phrases), Some(0));
        assert_eq!(rank(&words("NAME"), phrases), Some(1));
        assert_eq!(rank(&words("Customer Name"), phrases), None);
        assert_eq!(rank(&words("問い合わせ内容"), phrases), Some(2));
    }
}
