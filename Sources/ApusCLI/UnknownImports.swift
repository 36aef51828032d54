internal import Apus
internal import ApusFormat
internal import ArgumentParser

/// What becomes of imports that nobody defines.
enum UnknownImports: String, CaseIterable, ExpressibleByArgument {
    /// The module is refused.
    case refuse
    /// Functions trap when they are called; other imports are refused.
    case trap
    /// Functions return zeros and nulls, globals have them, memories and tables are as small as
    /// the module allows.
    case `default`

    /// Defines all imports of `module` in `linker`, for whoever defines some of them afterwards.
    func define(_ module: Module, in linker: inout Linker, _ store: Store) throws {
        if self == .refuse { return }
        for wanted in module.imports {
            if case .function(let type) = wanted.type {
                defineFunction(wanted, type, in: &linker)
            } else if self == .default, let item = try Self.item(wanted.type, in: store) {
                linker.define(wanted.module, wanted.name, item)
            }
        }
    }

    private func defineFunction(
        _ wanted: Module.Import, _ type: FunctionType, in linker: inout Linker
    ) {
        let names = [wanted.module, wanted.name].map(PrintableText.name)
        let place = names.joined(separator: ".")
        let zeros = type.results.compactMap { ZeroValue($0) }
        if self == .default, zeros.count == type.results.count {
            linker.define(wanted.module, wanted.name, type: type) { _, _ in
                zeros.compactMap(\.value)
            }
        } else {
            linker.define(wanted.module, wanted.name, type: type) { _, _ in
                throw Trap(.unreachable, "unknown import \(place) was called")
            }
        }
    }

    /// With what an import of `type` need not be defined by anybody; nil if it always has to be.
    static func helpful(for type: ItemType) -> UnknownImports? {
        switch type {
        case .function: .trap
        case .memory, .tag: .default
        case .global(let type): Value.zero(type.value) == nil ? nil : .default
        case .table(let type): type.element.isNullable ? .default : nil
        }
    }

    /// Something of `type` with nothing in it; nil if there is no such thing.
    private static func item(_ type: ItemType, in store: Store) throws -> Item? {
        switch type {
        case .function: return nil
        case .global(let type):
            return try Value.zero(type.value).map { .global(try Global(store, type, $0)) }
        case .tag(let types): return .tag(try Tag(store, parameters: types))
        case .memory(let type): return .memory(try Memory(store, type))
        case .table(let type):
            return type.element.isNullable ? .table(try Table(store, type)) : nil
        }
    }
}

/// A type of which there is a zero or null, which any thread may make.
private struct ZeroValue: Sendable {
    let type: ValueType

    init?(_ type: ValueType) {
        guard Value.zero(type) != nil else { return nil }
        self.type = type
    }

    var value: Value? { Value.zero(type) }
}
