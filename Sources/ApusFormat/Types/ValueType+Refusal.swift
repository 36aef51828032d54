/// Which types may be read with which features: the one place that says so.
extension ValueType {
    /// Why a value may not be of the type that begins with the byte `code` (5.3.5); nil if it may.
    static func refusal(_ code: UInt8, _ features: FeatureSet, at offset: Int) -> ModuleError? {
        switch code {
        case 0x7C...0x7F: nil
        case 0x7B: features.has(.simd) ? nil : refusal(.simd, offset, "v128")
        case 0x6F, 0x70:
            features.has(.referenceTypes)
                ? nil : refusal(.referenceTypes, offset, code == 0x70 ? "funcref" : "externref")
        case 0x63, 0x64:
            if !features.has(.functionReferences) {
                refusal(.functionReferences, offset, "typed reference")
            } else {
                features.has(.referenceTypes)
                    ? nil : refusal(.referenceTypes, offset, "typed reference")
            }
        case 0x69...0x6E, 0x71...0x74: HeapType.refusal(code, features, at: offset)
        default: ModuleError(.malformed, at: offset, "malformed value type")
        }
    }

    fileprivate static func refusal(
        _ feature: Feature, _ offset: Int, _ what: String
    ) -> ModuleError {
        ModuleError(.unsupported(feature), at: offset, what)
    }
}

extension HeapType {
    /// Why references may not be to the abstract heap type with the code `code` (5.3.3); nil if
    /// they may, or if there is none with this code.
    static func refusal(_ code: UInt8, _ features: FeatureSet, at offset: Int) -> ModuleError? {
        switch code {
        case 0x6F where !features.has(.referenceTypes):
            ValueType.refusal(.referenceTypes, offset, "externref")
        case 0x69 where !features.has(.exceptions), 0x74 where !features.has(.exceptions):
            ValueType.refusal(.exceptions, offset, "exception reference")
        case 0x6A...0x6E where !features.has(.garbageCollection),
            0x71...0x73 where !features.has(.garbageCollection):
            ValueType.refusal(.garbageCollection, offset, "reference type")
        default: nil
        }
    }
}
