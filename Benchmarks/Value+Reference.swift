import Apus
import ApusTestSupport

// Generated modules come with arguments and host functions in the reference interpreter's values.

extension ReferenceValue {
    init(_ value: Value) {
        self =
            switch value {
            case .i32(let number): .i32(UInt32(bitPattern: number))
            case .i64(let number): .i64(UInt64(bitPattern: number))
            case .f32(let number): .f32(number.bitPattern)
            case .f64(let number): .f64(number.bitPattern)
            case .v128(let vector): .v128(low: vector.low, high: vector.high)
            case .function(let function): .function(function == nil ? nil : 0)
            case .external(let reference?):
                (reference.value as? AnyReference).map { .externalized(ReferenceReferent($0)) }
                    ?? .extern(reference.value as? UInt32)
            case .external(nil): .extern(nil)
            case .any(let reference): .any(reference.map { ReferenceReferent($0) })
            case .exception(let exception): .exception(exception == nil ? nil : 0)
            }
    }
}

extension ReferenceReferent {
    /// What a reference of Apus's is to; which structure or array is left out.
    init(_ reference: AnyReference) {
        self =
            switch reference {
            case .integer(let value): .i31(UInt32(bitPattern: value) & 0x7FFF_FFFF)
            case .structure: .structure(0)
            case .array: .array(0)
            case .external(let reference): .host(reference.value as? UInt32 ?? .max)
            }
    }
}

extension Value {
    /// Only null can stand for a function or an exception.
    init(_ value: ReferenceValue) {
        self =
            switch value {
            case .i32(let bits): .i32(Int32(bitPattern: bits))
            case .i64(let bits): .i64(Int64(bitPattern: bits))
            case .f32(let bits): .f32(Float(bitPattern: bits))
            case .f64(let bits): .f64(Double(bitPattern: bits))
            case .v128(let low, let high): .v128(Vector128(low: low, high: high))
            case .function: .function(nil)
            case .extern(let number): .external(number.map { ExternReference($0) })
            case .exception: .exception(nil)
            case .any(.i31(let bits)?): .any(.integer(Int32(bitPattern: bits << 1) >> 1))
            case .any(.host(let number)?): .any(.external(ExternReference(number)))
            case .any: .any(nil)
            case .externalized: .external(nil)
            }
    }
}
