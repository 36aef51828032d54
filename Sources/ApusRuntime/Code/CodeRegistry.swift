internal import ApusCollections
internal import ApusLocks

/// Which image the code at an address belongs to, and to which module that, in the whole process.
public final class CodeRegistry: Sendable {
    private struct Entry {
        var start: UInt
        var end: UInt
        var code: Code
    }

    private enum Code {
        case image(Reference)
        case chunk(ChunkReference)
    }

    private final class ChunkReference: Sendable {
        weak let chunk: CodeChunk?
        init(_ chunk: CodeChunk) { self.chunk = chunk }
    }

    /// An image that may be going. Addresses on a stack belong to images that live, but what is
    /// taken for one while a tail call rearranges its frame may be anything.
    private final class Reference: Sendable {
        weak let image: CodeImage?
        let module: BackReference<LoadedModule>

        init(_ image: CodeImage, _ module: LoadedModule) {
            self.image = image
            self.module = module.reference
        }
    }

    /// The one registry: signals are the process's too.
    public static let shared = CodeRegistry()

    /// Ascending by start.
    private let entries = SystemMutex<[Entry]>([])

    private init() {}

    /// The image whose code includes `address`, and its module; nil if there is none, or if one of
    /// them is going.
    public func code(at address: UInt) -> (image: CodeImage, module: LoadedModule)? {
        // What goes with the last one who has it goes outside of the lock.
        let found = entries.withLock { entries -> Found? in
            let position = entries.partitioningIndex { $0.start > address }
            guard position > 0 else { return nil }
            let entry = entries[position - 1]
            // A return address may be one past the last instruction.
            guard address <= entry.end else { return nil }
            return switch entry.code {
            case .chunk(let reference): .chunk(reference.chunk)
            case .image(let reference): .image(reference.image, reference.module.object)
            }
        }
        switch found {
        case .chunk(let chunk): return chunk?.code(at: address)
        case .image(let image?, let module?): return (image, module)
        case .image, nil: return nil
        }
    }

    private enum Found {
        case image(CodeImage?, LoadedModule?)
        case chunk(CodeChunk?)
    }

    func add(_ image: CodeImage, of module: LoadedModule) {
        add(
            Entry(
                start: image.base, end: image.base &+ UInt(image.codeBytes),
                code: .image(Reference(image, module))))
    }

    func add(_ chunk: CodeChunk) {
        add(
            Entry(
                start: chunk.base, end: chunk.base &+ UInt(chunk.bytes),
                code: .chunk(ChunkReference(chunk))))
    }

    private func add(_ entry: Entry) {
        entries.withLock { entries in
            entries.insert(entry, at: entries.partitioningIndex { $0.start > entry.start })
        }
    }

    /// Forgets the image or chunk that starts at `base`, if it is known.
    func remove(base: UInt) {
        entries.withLock { entries in
            let position = entries.partitioningIndex { $0.start > base }
            if position > 0, entries[position - 1].start == base {
                entries.remove(at: position - 1)
            }
        }
    }

    /// How many images are known.
    var count: Int { entries.withLock { $0.count } }
}
