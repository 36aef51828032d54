/// The type of a function: what it takes and what it gives back.
///
/// Specification: 2.3.8 “Composite Types”.
public struct FunctionType: Hashable, Sendable {
    public var parameters: [ValueType]
    public var results: [ValueType]

    public init(_ parameters: [ValueType] = [], _ results: [ValueType] = []) {
        self.parameters = parameters
        self.results = results
    }
}

extension FunctionType: CustomStringConvertible {
    public var description: String {
        let left = parameters.map(\.description).joined(separator: " ")
        let right = results.map(\.description).joined(separator: " ")
        return "[\(left)] -> [\(right)]"
    }
}
