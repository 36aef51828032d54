public import ApusFormat

/// Types of an engine in words. They name each other by numbers that nobody else knows: here they
/// are what they are made of, as the text format writes that, as far as anybody would read it.
public struct TypeWords {
    private let registry: TypeRegistry
    /// How many more types are shown by what they are made of.
    private var left = 6

    /// Of types that `registry` knows.
    public init(_ registry: TypeRegistry) { self.registry = registry }

    /// Types that refer to each other are shown within each other so deep.
    private static var depthLimit: Int { 2 }
    /// Of a type within another one no more parts are shown, and none of a type of a larger group.
    private static var partsShown: Int { 8 }
    private static var wordsLimit: Int { 4096 }

    /// `type` in words.
    public mutating func words(_ type: ValueType) -> String { words(type, depth: 0) }

    /// `types` one after the other: the first ones and how many there are besides.
    public mutating func list(_ types: [ValueType]) -> String {
        var shown = ""
        for (place, type) in types.enumerated() {
            if place == ValueType.shownInList {
                return shown + " … \(types.count - place) more"
            }
            shown += (place > 0 ? " " : "") + words(type)
        }
        return shown
    }

    /// What a function takes and gives.
    public mutating func words(_ type: FunctionType) -> String {
        let parameters = list(type.parameters)
        return "[\(parameters)] -> [\(list(type.results))]"
    }

    private mutating func words(_ type: ValueType, depth: Int) -> String {
        guard let number = type.namedType else { return "\(type)" }
        return "(ref \(type.isNullable ? "null " : "")\(words(ofType: number, depth)))"
    }

    private mutating func words(ofType number: UInt32, _ depth: Int) -> String {
        var known: CompositeType?
        if depth < Self.depthLimit, left > 0 {
            left -= 1
            known = registry.composite(number, limit: Self.wordsLimit)
        }
        switch known {
        case .function(let type):
            let parameters = clause("param", type.parameters, depth)
            return "(func\(parameters)\(clause("result", type.results, depth)))"
        case .structure(let fields): return "(struct\(words(fields, depth)))"
        case .array(let element):
            let type = words(element.storage, depth: depth + 1)
            return "(array \(element.isMutable ? "(mut \(type))" : type))"
        case nil: return "\(HeapType(bits: number))"
        }
    }

    private mutating func clause(_ keyword: String, _ types: [ValueType], _ depth: Int) -> String {
        if types.isEmpty { return "" }
        var text = " (\(keyword)"
        for type in types.prefix(Self.partsShown) { text += " " + words(type, depth: depth + 1) }
        return text + (types.count > Self.partsShown ? " …)" : ")")
    }

    private mutating func words(_ fields: [FieldType], _ depth: Int) -> String {
        var text = ""
        for field in fields.prefix(Self.partsShown) {
            let type = words(field.storage, depth: depth + 1)
            text += " (field \(field.isMutable ? "(mut \(type))" : type))"
        }
        return text + (fields.count > Self.partsShown ? " …" : "")
    }
}
