@_spi(ApusCLI) internal import Apus

/// What tools read: a value in JSON. Members of an object stay in the order they are given in;
/// `docs/json.md` lists those of each command.
enum JSONValue {
    case null
    case bool(Bool)
    case integer(UInt64)
    /// A number, with so many decimals.
    case decimal(Double, Int)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    /// The value, all on one line.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .decimal(let value, let decimals): BenchReport.text(value, decimals: decimals)
        case .string(let value): JSONText.quoted(value)
        case .array(let values): "[\(values.map(\.text).joined(separator: ", "))]"
        case .object(let members):
            "{\(members.map { "\(JSONText.quoted($0)): \($1.text)" }.joined(separator: ", "))}"
        }
    }

    /// A number that counts something.
    static func count(_ value: Int) -> JSONValue { .integer(UInt64(clamping: value)) }

    /// A text, or null.
    static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }

    /// A number that counts something, or null.
    static func optional(_ count: Int?) -> JSONValue { count.map(JSONValue.count) ?? .null }

    /// Texts, in order.
    static func strings(_ texts: some Sequence<String>) -> JSONValue {
        .array(texts.map(JSONValue.string))
    }

    /// A duration in milliseconds.
    static func milliseconds(_ duration: Duration) -> JSONValue {
        .decimal(duration / .milliseconds(1), 4)
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral,
    ExpressibleByBooleanLiteral
{
    init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements) }
    init(stringLiteral value: String) { self = .string(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
}
