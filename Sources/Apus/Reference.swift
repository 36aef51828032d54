internal import ApusFormat
internal import ApusRuntime

/// A value of the host that guests may hold and pass on but not look into: an `externref`.
///
/// The store keeps the value as long as the guest can reach the reference. A guest may also make
/// such a reference of one of its own objects, or integers of 31 bits: then the value is an
/// `AnyReference`, and is the guest's own again when it comes back.
public struct ExternReference {
    /// What the guest cannot see.
    public let value: Any

    /// A reference to `value`, for any number of guests.
    public init(_ value: Any) { self.value = value }
}

extension ExternReference: WasmReference {
    public static var nullableConversion: WasmConversion<ExternReference?> {
        WasmConversion(
            .externref,
            read: { bits, store in
                guard bits != 0 else { return nil }
                if let value = try store().runtime.external(bits) { return ExternReference(value) }
                return ExternReference(try AnyReference(bits, in: store()))
            },
            write: { reference, store in
                guard let reference else { return 0 }
                if let inner = reference.value as? AnyReference {
                    return try inner.bits(in: store())
                }
                return try store().runtime.makeExternal(reference.value)
            })
    }
}

extension Function: WasmReference {
    public static var nullableConversion: WasmConversion<Function?> {
        WasmConversion(
            .funcref,
            read: { bits, store in
                try FunctionReference(bits: bits).map { try Function($0, in: store()) }
            },
            write: { function, store in
                guard let function else { return 0 }
                guard try store() === function.store else {
                    throw ForeignStoreError(thing: "function")
                }
                return function.reference.bits
            })
    }
}
