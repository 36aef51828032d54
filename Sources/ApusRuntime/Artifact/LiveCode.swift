// Produces: sections of an artifact. Consumes: the images in which functions of a module begin.

internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// The code that a module's functions have at some moment, put together as one piece that can be
/// moved. Functions without code are not in it.
struct LiveCode: ~Copyable {
    private var code: [UInt8] = []
    private var functions = Arena<CompiledFunction>(capacity: 64)
    private var sites = CodeSites()
    private var relocations: [UInt8] = []
    private var counts: [UInt8] = []
    private var writesTables = false

    /// Loops are placed by the processor's lines.
    private static var alignment: Int { 64 }

    init(of module: LoadedModule) {
        for (position, image) in module.code.currentImages.enumerated() {
            guard let image else { continue }
            let index = module.module.importedFunctionCount + position
            add(UInt32(index), image)
            for call in module.countedCalls(ofFunction: index) {
                Self.append(
                    [
                        UInt32(index), call.bodyOffset, call.function, call.hits, call.misses,
                    ], to: &counts)
            }
        }
    }

    private static func append(_ words: [UInt32], to bytes: inout [UInt8]) {
        for word in words {
            for byte in 0..<UInt32(4) {
                bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte)))
            }
        }
    }

    private mutating func add(_ index: UInt32, _ image: CodeImage) {
        let place = image.functions.partitioningIndex { $0.index >= index }
        guard place < image.functions.count, image.functions[place].index == index else { return }
        let function = image.functions[place]
        let start = ArtifactLayout.aligned(code.count, to: Self.alignment)
        code.append(contentsOf: repeatElement(0xCC, count: start - code.count))
        let first = Int(function.codeStart)
        let bytes = image.bytes
        for offset in first..<first + Int(function.codeLength) { code.append(bytes[offset]) }
        let listEnd =
            place + 1 < image.functions.count
            ? Int(image.functions[place + 1].handlerListStart) : image.sites.handlerLists.count
        functions.append(
            sites.append(function, of: image.sites, listEnd: listEnd, at: UInt32(start)))
        add(image, function, from: start)
        if image.writesTables { writesTables = true }
    }

    private mutating func add(_ image: CodeImage, _ function: CompiledFunction, from start: Int) {
        let end = function.codeStart &+ function.codeLength
        var place = image.relocations.partitioningIndex { $0.codeOffset >= function.codeStart }
        while place < image.relocations.count, image.relocations[place].codeOffset < end {
            var relocation = image.relocations[place]
            place += 1
            // The function calls itself, from and to where it is.
            if relocation.isWithinFunction { continue }
            relocation.codeOffset = relocation.codeOffset &- function.codeStart &+ UInt32(start)
            let words = relocation.words
            Self.append([words.0, words.1, words.2], to: &relocations)
        }
    }

    /// Adds what it is to `writer`.
    func add(to writer: inout ArtifactWriter) {
        if functions.count == 0 { return }
        writer.add(.functions, functions, image: 0)
        writer.add(.traps, sites.traps, image: 0)
        writer.add(.calls, sites.calls, image: 0)
        writer.add(.handlerLists, sites.handlerLists, image: 0)
        writer.add(.handlers, sites.handlers, image: 0)
        writer.add(.inlined, sites.inlined, image: 0)
        writer.add(.relocations, relocations.span)
        writer.add(.counts, counts.span)
        writer.add(.code, code.span, value: writesTables ? 1 : 0)
    }
}
