import Foundation

/// The words of a header or of a kind, and what they may mean. Contents decide first; words decide
/// between columns whose contents are alike.
struct HeaderWords: Sendable, Equatable {
  /// Lower case, without accents: `customerID` and `Kunden-Nr.` are [customer, id] and [kunden, nr].
  let words: [String]

  init(_ text: String) {
    var words: [String] = []
    var word = ""
    var before: Unicode.Scalar = "_"
    let scalars = text.folding(options: .diacriticInsensitive, locale: nil).unicodeScalars
    for scalar in scalars {
      let isLetter = scalar.properties.isAlphabetic
      let starts = scalar.properties.isUppercase && before.properties.isLowercase
      if !isLetter || starts {
        if !word.isEmpty { words.append(word) }
        word = ""
      }
      if isLetter { word += scalar.properties.lowercaseMapping }
      before = scalar
    }
    if !word.isEmpty { words.append(word) }
    self.words = words
  }

  /// Whether one of the words, or neighbours written together, means this. Long words may be part of a
  /// compound (`Kundennummer`).
  func mean(_ meaning: Meaning) -> Bool {
    for start in words.indices {
      var joined = ""
      for end in start..<min(start + 4, words.count) {
        joined += words[end]
        if meaning.texts.contains(joined) { return true }
      }
      if meaning.texts.contains(where: { $0.utf8.count >= 6 && words[start].contains($0) }) {
        return true
      }
    }
    return false
  }

  /// The words left without those that mean any of these.
  func without(_ meanings: Meaning...) -> [String] {
    words.filter { word in !meanings.contains { $0.texts.contains(word) } }
  }

  struct Meaning: Sendable {
    let texts: Set<String>
    init(_ texts: String) {
      self.texts = Set(texts.split(whereSeparator: \.isWhitespace).map(String.init))
    }
  }
}

extension HeaderWords.Meaning {
  typealias Meaning = Self
  static let account = Meaning(
    """
    account accounts acct customer customers cust client clients kunde kunden konto cliente clientes
    klant member mitglied subscriber abonnent user users usuario utilisateur company organization
    organisation household cuenta conta compte buyer player
    """)
  static let otherThing = Meaning(
    """
    order ticket review product item seller event message session invoice payment shipment
    transaction deal opportunity case bestellung bestell artikel produkt sku rechnung pedido commande
    auftrag agent employee device campaign row line log record request
    """)
  static let person = Meaning("contact person ansprechpartner contacto contato people personne")
  static let id = Meaning(
    "id ids nr no num number nummer numero key uuid guid code identifier kennung schluessel")
  static let time = Meaning(
    """
    time date datum timestamp at on ts dt datetime zeit zeitpunkt fecha hora heure data created
    updated opened closed resolved when am um day tag jour dia utc
    """)
  /// What says that a column is a time, and not of what.
  static let timeFiller = Meaning(
    "time date datum timestamp at on ts dt datetime zeit zeitpunkt fecha hora heure data am um utc local"
  )
  static let known = Meaning(
    """
    known loaded load ingested ingest received recorded inserted imported processed synced geladen
    erfasst etl dwh arrived
    """)
  static let modified = Meaning(
    """
    updated update modified changed geaendert geandert aktualisiert modifie actualizado atualizado
    last letzte letzter ultima ultimo derniere
    """)
  static let planned = Meaning(
    """
    estimated estimate due expected planned limit deadline target scheduled faellig fallig geplant
    erwartet voraussichtlich prevista previsto promised sla renewal expiry expires expiration until
    """)
  static let birth = Meaning("birth birthday birthdate born geburt geburtsdatum dob naissance")
  static let strongKind = Meaning(
    "kind event eventname eventtype eventkind action activity ereignis aktion evento evenement")
  static let weakKind = Meaning("type typ tipo art")
  static let money = Meaning(
    """
    amount price total betrag summe preis umsatz montant prix importe valor precio revenue arr mrr
    acv ltv wert value spend turnover paid gross net worth
    """)
  static let quantity = Meaning("quantity qty menge anzahl cantidad quantite units pieces")
  static let number = Meaning("weight score rating points level punkte value wert valor")
  static let channel = Meaning("channel kanal canal medium via platform plattform")
  static let preferredChannel = Meaning(
    "preferredchannel contactchannel bevorzugterkanal channelpreference preferredcontact")
  static let text = Meaning(
    """
    text comment comments message body kommentar nachricht description beschreibung comentario
    mensaje remark subject betreff verbatim feedback note notes notiz
    """)
  static let name = Meaning(
    "name fullname displayname nachname nom nombre nome firma companyname customername")
  static let email = Meaning("email mail epost correo courriel emailaddress")
  static let phone = Meaning("phone tel telefon telephone mobile handy telefono mobil celular")
  static let owner = Meaning(
    "owner csm betreuer accountmanager responsable kundenbetreuer salesrep rep")
  static let role = Meaning("role jobtitle rolle position title funktion cargo")
  static let segment = Meaning("segment tier segmento kundengruppe customerclass klasse")
  static let zone = Meaning("timezone tz zeitzone zone")
  static let doNotContact = Meaning(
    """
    donotcontact dnc nocontact optout optedout unsubscribed werbesperre kontaktsperre donotcall
    donotemail suppressed nocontactar
    """)
  static let doNotProfile = Meaning(
    "donotprofile noprofiling objected objection widerspruch profilingoptout dnp")
  static let consent = Meaning(
    "consent optin optedin einwilligung subscribed marketing newsletter permission allowed")
  /// Attributes that the law or decency protects.
  static let protected = Meaning(
    """
    gender sex geschlecht religion ethnicity ethnic race nationality nationalitaet age alter sexe
    sexo genero disability health
    """)
  static let feedback = Meaning(
    """
    nps csat ces rating review stars satisfaction zufriedenheit bewertung sterne nota calificacion
    avaliacao evaluation survey umfrage feedback recommend weiterempfehlung encuesta
    """)
  static let scoreFiller = Meaning("score value points wert punkte answer result")
  static let complaint = Meaning(
    """
    complaint complaints complain complained beschwerde reklamation queja reclamo reclamacion
    reclamacao plainte klacht grievance
    """)
  static let refund = Meaning(
    """
    refund refunds refunded chargeback rueckerstattung ruckerstattung erstattung remboursement
    reembolso dispute
    """)
  static let cancellation = Meaning(
    "cancellation cancelation churn churned kuendigung kundigung resiliation unsubscribe")
  static let asking = Meaning(
    """
    sent send invite invited invitation remind reminder request requested ignored expired opened
    delivered shown versandt versendet gesendet einladung erinnerung enviada enviado envoye
    invitacion relance creation created
    """)
  static let answering = Meaning(
    "answer answered response responded submitted completed antwort respuesta resposta reponse")
  /// What the company itself did, and may mention.
  static let ownDoing = Meaning(
    "late delay delayed outage delivered shipped resolved pricerise maintenance verspaetet")
  static let filler = Meaning(
    "export data dump all full history historical list table file csv report extract daten new old")
}

/// A plain name for one of what a table holds, from its file's name: `orders_2024.csv` is order.
func nounOfTable(_ path: String) -> String? {
  let file = path.utf8.split(separator: UInt8(ascii: "/")).last.map {
    String(decoding: $0, as: UTF8.self)
  }
  let stem = file?.utf8.split(separator: UInt8(ascii: ".")).first.map {
    String(decoding: $0, as: UTF8.self)
  }
  var words = HeaderWords(stem ?? "").without(.filler)
  guard let last = words.popLast() else { return nil }
  var noun = last
  if noun.hasSuffix("ies"), noun.utf8.count > 4 {
    noun = String(noun.dropLast(3)) + "y"
  } else if noun.hasSuffix("s"), !noun.hasSuffix("ss"), !noun.hasSuffix("us"), noun.utf8.count > 3 {
    noun = String(noun.dropLast())
  }
  return (words + [noun]).joined(separator: "_")
}
