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
        "[\(ValueType.list(parameters))] -> [\(ValueType.list(results))]"
    }
}

extension ValueType {
    /// The most types that a list shows.
    private static var shownInList: Int { 24 }

    /// `types` one after the other, for messages: the first ones and how many there are besides.
    public static func list(_ types: [ValueType]) -> String {
        let shown = types.prefix(shownInList).map(\.description).joined(separator: " ")
        return types.count > shownInList
            ? "\(shown) … \(types.count - shownInList) more" : shown
    }
}
