/// The kinds of events.csv.
enum Kind: UInt8, CaseIterable {
  case signup, login, order, lateDelivery, paymentFailed, ticketOpened, ticketResolved, priceRise
  case surveySent, nps, complaint, refundRequest

  var name: StaticString {
    switch self {
    case .signup: "signup"
    case .login: "login"
    case .order: "order"
    case .lateDelivery: "late_delivery"
    case .paymentFailed: "payment_failed"
    case .ticketOpened: "ticket_opened"
    case .ticketResolved: "ticket_resolved"
    case .priceRise: "price_rise"
    case .surveySent: "survey_sent"
    case .nps: "nps"
    case .complaint: "complaint"
    case .refundRequest: "refund_request"
    }
  }

  /// Decimal places of the value in the file; nil where the kind has no value.
  var places: Int? {
    switch self {
    case .order, .paymentFailed, .refundRequest: 2
    case .ticketResolved: 1
    case .lateDelivery, .priceRise, .nps: 0
    case .signup, .login, .ticketOpened, .surveySent, .complaint: nil
    }
  }

  var isFeedback: Bool {
    self == .nps || self == .complaint || self == .refundRequest
  }
}

/// An event of one life: seconds from 1970, and the value in units of its kind's last place.
struct LifeEvent {
  var at: Int
  var kind: Kind
  var channel: UInt8
  var value: Int

  var channelName: StaticString {
    switch channel {
    case 1: "web"
    case 2: "app"
    case 3: "email"
    case 4: "phone"
    case 5: "chat"
    default: ""
    }
  }
}
