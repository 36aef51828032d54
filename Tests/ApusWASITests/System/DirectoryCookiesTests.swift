import Foundation
import Testing

@testable import ApusWASI

/// Cookies are small, lead back to where they were given, and do not grow without bound.
struct DirectoryCookiesTests {
    /// Positions as file systems with hashed directories have them.
    private static let positions: [Int64] = [0x1234_5678_9ABC, 0x2234_5678_9ABC, .max]

    /// The cookies that reading from the start gives.
    private func read(_ cookies: DirectoryCookies, _ positions: [Int64]) -> [UInt64] {
        var expected: UInt64 = 0
        return positions.map { cookies.cookie(for: $0, after: &expected) }
    }

    @Test func areSmallAndStay() {
        let cookies = DirectoryCookies(CookieBudget())
        #expect(read(cookies, Self.positions) == [1, 2, 3])
        #expect(read(cookies, Self.positions) == [1, 2, 3])
        #expect((0...4).map { cookies.position($0) } == [0] + Self.positions + [nil])
        // Entries that go and come take no cookie from others.
        #expect(read(cookies, [Self.positions[1], Self.positions[2]]) == [2, 3])
        #expect(read(cookies, [5, Self.positions[0], 6, Self.positions[1]]) == [4, 1, 5, 2])
        #expect(cookies.position(3) == Int64.max)
    }

    @Test func withoutRoomTheyAreTheHosts() {
        let budget = CookieBudget(2)
        do {
            let cookies = DirectoryCookies(budget)
            #expect(read(cookies, Self.positions) == [1, 2, .max])
            #expect(cookies.position(.max) == Int64.max)
            #expect(budget.left == 0)
            #expect(read(cookies, Self.positions) == [1, 2, .max])
        }
        #expect(budget.left == 2)
    }

    private struct Entry: Equatable {
        var next: UInt64
        var name: String
    }

    private func entries(
        _ folder: TemporaryFolder, _ cookies: DirectoryCookies, from cookie: UInt64,
        limit: Int = .max
    ) throws -> [Entry] {
        let directory = try Syscalls.openPreopen(Array(folder.path.utf8))
        defer { Syscalls.close(directory) }
        var found: [Entry] = []
        try DirectoryReader.read(directory, cookies, from: cookie, passing: {}) { entry in
            found.append(
                Entry(next: entry.next, name: String(decoding: entry.name, as: UTF8.self)))
            return found.count < limit
        }
        return found
    }

    @Test func leadOnFromAnywhere() throws {
        let folder = try TemporaryFolder()
        for index in 0..<700 { try folder.write("", to: "file-\(index)") }
        let all = try entries(folder, DirectoryCookies(CookieBudget()), from: 0)
        #expect(all.map(\.next) == (1...702).map(UInt64.init))
        #expect(Set(all.map(\.name)).count == 702)
        // Known ones, some that are not known yet, and those that will never be.
        let cookies = DirectoryCookies(CookieBudget())
        _ = try entries(folder, cookies, from: 0, limit: 10)
        for start in [3, 9, 650, 200, 701, 702, 0] {
            let rest = try entries(folder, cookies, from: UInt64(start))
            #expect(rest == Array(all[start...]))
        }
        #expect(try entries(folder, cookies, from: 703) == [])
        #expect(try entries(folder, cookies, from: 1 << 62) == [])
        // Those that are read go, as a program does that empties a folder: none is left out.
        let reading = DirectoryCookies(CookieBudget())
        var cookie: UInt64 = 0
        var seen: Set<String> = []
        while case let page = try entries(folder, reading, from: cookie, limit: 50), !page.isEmpty {
            for entry in page where entry.name.hasPrefix("file") {
                #expect(seen.insert(entry.name).inserted)
                try FileManager.default.removeItem(at: folder.url.appending(path: entry.name))
            }
            cookie = page[page.count - 1].next
        }
        #expect(seen.count == 700)
    }
}
