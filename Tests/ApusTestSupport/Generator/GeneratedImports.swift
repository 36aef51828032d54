internal import ApusCollections
public import ApusFormat

/// The functions that generated modules import: a hash of their arguments, which now and then
/// fails.
public enum GeneratedImports {
    public typealias Body = @Sendable ([ReferenceValue]) throws(ReferenceTrap) -> [ReferenceValue]

    public static func body(_ name: String, _ type: FunctionType) -> Body {
        let seed = name.utf8.reduce(UInt64(17)) { $0 &* 31 &+ UInt64($1) }
        return { (arguments: [ReferenceValue]) throws(ReferenceTrap) in
            var hash = seed
            for argument in arguments { hash = mix(hash, argument.canonical) }
            if hash % 61 == 0 { throw .hostError }
            return type.results.map { result in
                hash = hash &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return value(hash, result)
            }
        }
    }

    private static func mix(_ hash: UInt64, _ value: ReferenceValue) -> UInt64 {
        let bits: UInt64 =
            switch value {
            case .i32(let bits), .f32(let bits): UInt64(bits)
            case .i64(let bits), .f64(let bits): bits
            case .v128(let low, let high): low ^ high
            case .function(let address): address == nil ? 3 : 4
            case .extern(let number): number.map { UInt64($0) } ?? 5
            case .exception(let number): number == nil ? 6 : 7
            case .any(let referent): referent == nil ? 5 : 6
            case .externalized: 6
            }
        let mixed = (hash ^ bits) &* 0xFF51_AFD7_ED55_8CCD
        return mixed ^ mixed >> 33
    }

    private static func value(_ hash: UInt64, _ type: ValueType) -> ReferenceValue {
        let small = Int32(truncatingIfNeeded: hash >> 40) % 1000
        return switch type {
        case .i32: .i32(UInt32(bitPattern: small))
        case .i64: .i64(hash)
        case .f32: .f32((Float(small) / 4).bitPattern)
        case .f64: .f64((Double(small) / 4).bitPattern)
        case .v128: .v128(low: hash, high: hash ^ hash << 32)
        case .externref: .extern(hash & 4 == 0 ? nil : UInt32(hash & 3))
        case .exnref: .exception(nil)
        default: .function(nil)
        }
    }
}
