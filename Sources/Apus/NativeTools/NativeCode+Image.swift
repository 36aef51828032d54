internal import ApusABI
internal import ApusBaseline
internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime

extension NativeCode {
    /// What is known of `image`, which has code of `module`; where each instruction is only
    /// `withPlaces`.
    init(_ image: CodeImage, of module: LoadedModule, withPlaces: Bool) {
        self.init(base: UInt64(image.base), byteCount: UInt64(image.codeBytes))
        let names = ModuleNames(module.module)
        let codeStart = module.module.codeSectionStart ?? 0
        for function in image.descriptors(in: module) {
            let index = Int(function.index)
            var native = NativeFunction(
                name: Self.symbol(index, names, module),
                start: UInt64(image.base) + UInt64(function.codeStart),
                byteCount: UInt64(function.codeLength))
            let start = Int(function.body.start)
            // What the decoder has written anew is not where it was.
            let isOriginal = module.module.sourceOffset(of: start) == start
            if withPlaces, isOriginal, start >= codeStart {
                let first = UInt32(truncatingIfNeeded: start - codeStart)
                native.body = first..<first + (function.body.end - function.body.start)
                image.forEachPlace(of: function) { offset, bodyOffset in
                    native.places.append((UInt64(image.base) + UInt64(offset), first + bodyOffset))
                }
            }
            functions.append(native)
        }
    }

    /// The name of function `index` as it stands in its source, with no line breaks in it.
    private static func symbol(_ index: Int, _ names: ModuleNames, _ module: LoadedModule) -> String
    {
        guard let name = names.function(index) ?? module.name(ofFunction: index) else {
            return "wasm-function[\(index)]"
        }
        return PrintableText.name(DemangledName.of(name) ?? name)
    }
}
