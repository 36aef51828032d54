/// How values of any `Codable` type become bytes for a guest and the other way round, such as JSON.
///
/// Apus has no coder of its own, as it does without Foundation. With Foundation it is a few lines:
/// ```swift
/// struct JSON: SandboxCoder {
///     func encode(_ value: some Encodable) throws -> [UInt8] {
///         Array(try JSONEncoder().encode(value))
///     }
///     func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
///         try JSONDecoder().decode(type, from: Data(bytes))
///     }
/// }
/// ```
public protocol SandboxCoder: Sendable {
    /// The bytes that stand for `value`. Throws what the call is to throw if there are none.
    func encode(_ value: some Encodable) throws -> [UInt8]
    /// The value that `bytes` stand for. Throws what the call is to throw if they stand for none.
    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value
}
