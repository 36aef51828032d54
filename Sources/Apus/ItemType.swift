internal import ApusCollections
public import ApusFormat
internal import ApusRuntime

/// The type of something that a module imports or exports.
///
/// Specification: 2.3.16 “External Types”.
public enum ItemType: Hashable, Sendable {
    /// A function with these parameters and results.
    case function(FunctionType)
    /// A table of these elements.
    case table(TableType)
    /// A linear memory of these sizes.
    case memory(MemoryType)
    /// A global variable with values of this type.
    case global(GlobalType)
    /// Of exceptions that carry values of these types.
    case tag([ValueType])
}

extension ItemType {
    /// `type` of `module` with what its indices of function types stand for.
    init(_ type: ExternalType, in module: LoadedModule) {
        self =
            switch type {
            case .function(let index): .function(module.functionType(index))
            case .table(let type): .table(module.resolve(type))
            case .memory(let type): .memory(type)
            case .global(let type): .global(module.resolve(type))
            case .tag(let index): .tag(module.functionType(index).parameters)
            }
    }

    /// The type of what `item` names in `module`.
    init(_ item: ExternalIndex, in module: LoadedModule) {
        let decoded = module.module
        self =
            switch item {
            case .function(let index):
                .function(module.functionType(decoded.functions[Int(index)]))
            case .table(let index): .table(module.resolve(decoded.tables[Int(index)]))
            case .memory(let index): .memory(decoded.memories[Int(index)])
            case .global(let index): .global(module.resolve(decoded.globals[Int(index)]))
            case .tag(let index): .tag(module.functionType(decoded.tags[Int(index)]).parameters)
            }
    }
}

extension ItemType: CustomStringConvertible {
    /// The type in words, e.g. `function [i32 i32] -> [i32]`. Of types that modules define only
    /// the kind is told.
    public var description: String {
        description({ "\($0)" }, ValueType.list) { "\($0)" }
    }

    /// The same, with the types of `engine` by what they are made of.
    @_spi(ApusCLI)
    public func description(in engine: Engine) -> String {
        guard let types = try? engine.environment.types else { return description }
        var words = TypeWords(types)
        return description({ words.words($0) }, { words.list($0) }) { words.words($0) }
    }

    private func description(
        _ value: (ValueType) -> String, _ list: ([ValueType]) -> String,
        _ function: (FunctionType) -> String
    ) -> String {
        switch self {
        case .function(let type): return "function \(function(type))"
        case .table(let type):
            return "table of \(value(type.element)), \(Self.range(type.limits)) elements"
        case .memory(let type):
            return "\(type.isShared ? "shared " : "")memory of \(Self.range(type.limits)) pages"
        case .global(let type):
            return "global \(type.isMutable ? "(mut \(value(type.value)))" : value(type.value))"
        case .tag(let types): return "tag [\(list(types))]"
        }
    }

    private static func range(_ limits: SizeLimits) -> String {
        if let maximum = limits.maximum {
            "\(limits.minimum) to \(maximum)"
        } else {
            "at least \(limits.minimum)"
        }
    }
}

extension FunctionType {
    /// What it takes and gives in words, with the types of `engine` by what they are made of.
    @_spi(ApusCLI)
    public func description(in engine: Engine) -> String {
        guard let types = try? engine.environment.types else { return description }
        var words = TypeWords(types)
        return words.words(self)
    }
}

extension ValueType {
    /// The type in words, with the types of `engine` by what they are made of.
    @_spi(ApusCLI)
    public func description(in engine: Engine) -> String {
        guard let types = try? engine.environment.types else { return description }
        var words = TypeWords(types)
        return words.words(self)
    }
}
