public import ApusFormat

/// Why a module could not be linked: an import has no definition, or one of another type.
public struct LinkError: Error, Hashable, Sendable {
    /// The module that the import names.
    public var module: String
    /// What the import is called there.
    public var name: String
    /// What the module asks for.
    public var expected: ItemType
    /// What was there, nil if nothing was.
    public var found: ItemType?
    /// Why what was there could not be taken, if it is not the type.
    public var reason: String?
    /// Both types in words, if they were known where the error was made.
    private var words = Words()

    /// Says nothing that the types do not: errors are equal without it.
    private struct Words: Hashable, Sendable {
        var expected: String?
        var found: String?

        static func == (left: Self, right: Self) -> Bool { true }
        func hash(into hasher: inout Hasher) {}
    }

    /// An error about the import `module`.`name`.
    public init(
        module: String, name: String, expected: ItemType, found: ItemType?, reason: String? = nil
    ) {
        self.module = module
        self.name = name
        self.expected = expected
        self.found = found
        self.reason = reason
    }

    /// An error about what a module of `engine` wants.
    init(
        _ wanted: Module.Import, found: ItemType?, reason: String? = nil, in engine: Engine
    ) {
        self.init(
            module: wanted.module, name: wanted.name, expected: wanted.type, found: found,
            reason: reason)
        // When it is shown the types may be gone.
        words.expected = expected.description(in: engine)
        words.found = found?.description(in: engine)
    }
}

extension LinkError: CustomStringConvertible {
    public var description: String {
        let place = "\(PrintableText.name(module)).\(PrintableText.name(name))"
        let expected = words.expected ?? self.expected.description
        let found = words.found ?? self.found?.description
        guard let found else { return "unknown import: \(place) (\(expected))" }
        if let reason { return "incompatible import: \(place): \(reason)" }
        return "incompatible import type: \(place): expected \(expected), found \(found)"
    }
}

/// Why an export cannot be had: an instance has nothing of that name, or something else.
public struct ExportError: Error, Hashable, Sendable {
    /// The name that was asked for.
    public var name: String
    /// What was asked for, in words, e.g. `function [i32] -> []`.
    public var expected: String
    /// What has that name, nil if nothing has.
    public var found: ItemType?

    /// An error about what is exported as `name`.
    public init(name: String, expected: String, found: ItemType?) {
        self.name = name
        self.expected = expected
        self.found = found
    }
}

extension ExportError: CustomStringConvertible {
    public var description: String {
        let name = PrintableText.name(name)
        guard let found else { return "no export is named \"\(name)\" (wanted a \(expected))" }
        return "export \"\(name)\" is a \(found), not a \(expected)"
    }
}

/// Why a value cannot be passed: it has another type than the place it is meant for.
public struct TypeError: Error, Hashable, Sendable {
    /// The types that are wanted.
    public var expected: [ValueType]
    /// The types of what was given.
    public var found: [ValueType]
    /// Where the value was to go, in words.
    public var place: String

    /// An error about values that were to go to `place`.
    public init(expected: [ValueType], found: [ValueType], place: String) {
        self.expected = expected
        self.found = found
        self.place = place
    }
}

extension TypeError: CustomStringConvertible {
    public var description: String {
        "type mismatch in \(place): expected [\(ValueType.list(expected))], "
            + "found [\(ValueType.list(found))]"
    }
}

/// A thing of one store was handed to another, where it can never be used; or a module to a store
/// of another engine.
public struct ForeignStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was handed over, in words.
    public var thing: String
    /// What it belongs to another of, in words: a store, or an engine.
    public var owner: String

    /// An error about a thing of another store, or of another `owner`.
    public init(thing: String, owner: String = "store") {
        self.thing = thing
        self.owner = owner
    }

    /// A module is of another engine than a store.
    static let module = ForeignStoreError(thing: "module", owner: "engine")

    public var description: String { "the \(thing) belongs to another \(owner)" }
}

/// A host function looked for its state in an instance that was not given any, or another one.
public struct StateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The Swift type that was wanted.
    public var expected: String
    /// The one that was there, nil if nothing was.
    public var found: String?

    /// An error about the state of an instance.
    public init(expected: String, found: String?) {
        self.expected = expected
        self.found = found
    }

    public var description: String {
        guard let found else { return "the instance was made without a hostState (a \(expected))" }
        return "the instance's hostState is a \(found), not a \(expected)"
    }
}

/// What cannot be done with an instance, as it is not initialized, or is already.
public enum InitializationError: Error, Hashable, Sendable {
    /// It has to be initialized first; or that has failed.
    case isMissing
    /// It was initialized before, or was to be.
    case isDone
}

extension InitializationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .isMissing: "the instance is not initialized"
        case .isDone: "the instance has been initialized before"
        }
    }
}

/// Compiling a module was stopped at the deadline that it was given.
public struct CompilationDeadlineError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An error about a deadline that has been reached.
    public init() {}

    public var description: String { "the deadline was reached while the module was compiled" }
}

/// Why the host could not read or write a guest's memory.
public enum MemoryError: Error, Hashable, Sendable {
    /// `count` bytes from `address` on do not lie within the memory's `size` bytes.
    case outOfBounds(address: UInt64, count: UInt64, size: UInt64)
    /// The bytes from `address` on are not UTF-8.
    case malformedUTF8(address: UInt64)
    /// The bytes from `address` on are no text of that encoding.
    case malformedText(address: UInt64, TextEncoding)
    /// A text has characters that the encoding has not.
    case unrepresentableText(TextEncoding)
    /// A memory that is to be shared has no maximum.
    case noMaximum
    /// The host has the memory's bytes in place (`Memory.withBytes`), so nobody else writes there.
    case isLent
}

extension MemoryError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .outOfBounds(let address, let count, let size):
            "out of bounds memory access: \(count) bytes at \(address) of \(size)"
        case .malformedUTF8(let address): "malformed UTF-8 at \(address)"
        case .malformedText(let address, let encoding): "malformed \(encoding.name) at \(address)"
        case .unrepresentableText(let encoding):
            "a text has characters that \(encoding.name) has not"
        case .noMaximum: "a shared memory must have a maximum"
        case .isLent: "the host has the memory's bytes in place, so nobody else writes there"
        }
    }
}
