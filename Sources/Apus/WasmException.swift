public import ApusFormat
internal import ApusRuntime

/// An exception of a guest: one that it has thrown and not caught, on its way to whoever called it,
/// or one that a function of the host throws for its guest to catch.
///
/// It has an identity, which it keeps through any number of guests and functions of the host:
/// thrown again it is the same one. Specification: 4.2.12 “Exception Instances”.
public struct WasmException: Error, Sendable {
    let thrown: ThrownException

    init(_ thrown: ThrownException) { self.thrown = thrown }

    /// An exception with `tag` that carries `values`.
    ///
    /// - Throws: `TypeError` if these are not of the types that the tag wants; `ForeignStoreError`
    ///   if they belong to another store; `ResourceError` if there is no room.
    public init(_ tag: Tag, _ values: [Value] = []) throws {
        try Value.check(values, against: tag.parameters, place: "an exception")
        let cells = try Value.cells(values, in: tag.store)
        thrown = try tag.store.runtime.makeException(tag.tag, cells)
    }

    /// Whether it is of this kind.
    public func hasTag(_ tag: Tag) -> Bool { thrown.tag === tag.tag }

    /// The types of what it carries.
    public var types: [ValueType] { thrown.tag.type.parameters }

    /// What it carries.
    ///
    /// - Throws: `ForeignStoreError` if `store` is not the one of the guest that threw it;
    ///   `TypeError` if the host has no values of one of the types.
    public func values(in store: Store) throws -> [Value] {
        guard thrown.belongs(to: try store.runtime) else {
            throw ForeignStoreError(thing: "exception")
        }
        return try Value.values(of: types, in: store) { thrown[$0] }
    }

    /// The guest's functions that were running when it first left them, innermost first; empty if
    /// it has not.
    public var backtrace: [Trap.Frame] {
        thrown.origin?.frames.map(Trap.Frame.init) ?? []
    }

    /// Whether there were more frames than `backtrace` has.
    public var isTruncated: Bool { thrown.origin?.isTruncated ?? false }
}

extension WasmException: Equatable {
    /// Whether both are the same exception.
    public static func == (left: WasmException, right: WasmException) -> Bool {
        left.thrown === right.thrown
    }
}

extension WasmException: CustomStringConvertible {
    /// Its tag's name, if that has one, and what it carries, as far as that are numbers; then a
    /// line for each frame, innermost first.
    public var description: String {
        var cell = 0
        let values = types.map { type in
            defer { cell += type == .v128 ? 2 : 1 }
            return describe(type, thrown[cell])
        }
        let name = thrown.tag.name.map(PrintableText.name) ?? ""
        let text = "uncaught exception \(name)(\(values.joined(separator: ", ")))"
        return text + Trap.lines(backtrace, isTruncated: isTruncated)
    }

    private func describe(_ type: ValueType, _ bits: UInt64) -> String {
        switch type {
        case .i32: "i32(\(Int32(truncatingIfNeeded: bits)))"
        case .i64: "i64(\(Int64(bitPattern: bits)))"
        case .f32: "f32(\(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))"
        case .f64: "f64(\(Double(bitPattern: bits)))"
        case .v128: "v128"
        default: "reference"
        }
    }
}

extension WasmException: WasmReference {
    public static var nullableConversion: WasmConversion<WasmException?> {
        WasmConversion(
            .exnref,
            read: { bits, _ in ThrownException.of(bits).map(WasmException.init) },
            write: { exception, store in
                guard let exception else { return 0 }
                guard exception.thrown.belongs(to: try store().runtime) else {
                    throw ForeignStoreError(thing: "exception")
                }
                return exception.thrown.bits
            })
    }
}
